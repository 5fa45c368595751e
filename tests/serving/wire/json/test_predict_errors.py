"""Tests of the errors of REST predict requests. The messages must equal TensorFlow Serving's."""

from __future__ import annotations

import pytest
from keras_gallery.serving.errors import InvalidArgument, ServingError, Unimplemented
from keras_gallery.serving.wire.signature import SignatureDef

from .predict_bodies import BOTH, FLOAT, INT, TEXT, read, signature

ELEMENT_0 = "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
ELEMENT_1 = ELEMENT_0.replace("0", "1", 1)
UNIMPLEMENTED_0 = "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: "
REFUSED = {
    "empty": ("", FLOAT, "JSON Parse error: The document is empty"),
    "not an object": ("null", FLOAT, "JSON Value: null Is not object"),
    "neither form": ('{"x": 1}', FLOAT, "Missing 'inputs' or 'instances' key"),
    "instances not a list": (
        '{"instances": 5}',
        FLOAT,
        "JSON Value: {\n    \"instances\": 5\n} Expecting 'instances' to be an list/array",
    ),
    "instances null": (
        '{"instances": null}',
        FLOAT,
        "JSON Value: {\n    \"instances\": null\n} Expecting 'instances' to be an list/array",
    ),
    "signature name not a string": (
        '{"signature_name": null, "inputs": 1}',
        FLOAT,
        'JSON Value: {\n    "signature_name": null,\n    "inputs": 1\n} not formatted correctly. '
        "'signature_name' key must be a string value.",
    ),
    "unknown input": (
        '{"instances": [{"a": [1, 2], "b": 10, "c": 1}]}',
        BOTH,
        "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: "
        "JSON object: does not have named input: c",
    ),
    "missing input": (
        '{"instances": [{"a": 1}]}',
        BOTH,
        "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} keys must be equal to: a,b",
    ),
    "missing input in columns": ('{"inputs": {"a": 1}}', BOTH, "Missing named input: b in 'inputs' object."),
    "plain rows for two inputs": (
        '{"instances": [[1, 2]]}',
        BOTH,
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    "object before list": (
        '{"instances": [{"x": 1}, [1]]}',
        FLOAT,
        "Expecting object but got list at item 1 of input list",
    ),
    "list before object": (
        '{"instances": [[1], {"x": 1}]}',
        FLOAT,
        "Expecting value/list but got object at item 1 of input list",
    ),
    "string for float": (
        '{"instances": [["1.0"]]}',
        FLOAT,
        ELEMENT_0 + 'JSON Value: "1.0" Type: String is not of expected type: float',
    ),
    "null for float": (
        '{"instances": [[null, 2]]}',
        FLOAT,
        ELEMENT_0 + "JSON Value: null Type: Null is not of expected type: float",
    ),
    "null in columns": ('{"inputs": null}', FLOAT, "JSON Value: null Type: Null is not of expected type: float"),
    "object for float": (
        '{"instances": [[{"a": 1}, 2]]}',
        FLOAT,
        ELEMENT_0 + 'JSON Value: {\n    "a": 1\n} Type: Object is not of expected type: float',
    ),
    "base64 for float": (
        '{"instances": [[{"b64": "YQ=="}]]}',
        FLOAT,
        ELEMENT_0 + 'JSON Value: {\n    "b64": "YQ=="\n} Type: Object is not of expected type: float',
    ),
    "float for int32": (
        '{"instances": [[1.0, 2.0]]}',
        INT,
        ELEMENT_0 + "JSON Value: 1.0 Type: Number is not of expected type: int32",
    ),
    "too large for int32": (
        '{"instances": [[1, 2], [3, 2147483648]]}',
        INT,
        ELEMENT_1 + "JSON Value: 2147483648 Type: Number is not of expected type: int32",
    ),
    "too small for int32": (
        '{"inputs": [1, -2147483649]}',
        INT,
        "JSON Value: -2147483649 Type: Number is not of expected type: int32",
    ),
    "over 32 bits for uint8": (
        '{"inputs": 2147483648}',
        signature(x="uint8"),
        "JSON Value: 2147483648 Type: Number is not of expected type: uint8",
    ),
    "too large for int64": (
        '{"inputs": 9223372036854775808}',
        signature(x="int64"),
        "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64",
    ),
    "negative for uint64": (
        '{"inputs": [-1]}',
        signature(x="uint64"),
        "JSON Value: -1 Type: Number is not of expected type: uint64",
    ),
    "null for string": (
        '{"instances": [[null, "a"]]}',
        TEXT,
        ELEMENT_0 + "JSON Value: null Type: Null is not of expected type: string",
    ),
    "both forms": (
        '{"instances": [1], "inputs": [2]}',
        FLOAT,
        'JSON Value: {\n    "instances": [1],\n    "inputs": [2]\n} '
        "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
    ),
    "no rows": (
        '{"instances": []}',
        FLOAT,
        "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
    ),
    "no inputs": ('{"inputs": 1}', signature(), "Failed to get input map for signature: s"),
    "boolean for float": (
        '{"instances": [[true, 2]]}',
        FLOAT,
        ELEMENT_0 + "JSON Value: true Type: True is not of expected type: float",
    ),
    "string after a number": (
        '{"instances": [[1, "3"]]}',
        FLOAT,
        ELEMENT_0 + 'JSON Value: "3" Type: String is not of expected type: float',
    ),
    "NaN for int32": (
        '{"instances": [[NaN, 1]]}',
        INT,
        ELEMENT_0 + "JSON Value:  Type: Number is not of expected type: int32",
    ),
    "number after a list": (
        '{"instances": [[[1, 2], 3]]}',
        FLOAT,
        ELEMENT_0 + "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    "list after a number": (
        '{"inputs": [1, [2]]}',
        FLOAT,
        "Encountered list at unexpected level: 1 expected < 1",
    ),
    "ragged columns": (
        '{"inputs": [[1, 2, 3], [4, 5]]}',
        FLOAT,
        "Encountered list at unexpected size: 2 at level: 1 expected size: 3",
    ),
    "wrong value in the second row": (
        '{"instances": [{"a": 1, "b": 2}, {"a": 1, "b": 2.5}]}',
        BOTH,
        "Failed to process element: 1 key: b of 'instances' list. Error: INVALID_ARGUMENT: "
        "JSON Value: 2.5 Type: Number is not of expected type: int64",
    ),
    "base64 with another member": (
        '{"instances": [{"x": {"b64": "YQ==", "y": 1}}]}',
        TEXT,
        "Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
        'JSON Value: {\n    "b64": "YQ==",\n    "y": 1\n} not formatted correctly for base64 data',
    ),
    "base64 of five letters": ('{"inputs": {"b64": "YWJjZ"}}', TEXT, "Unable to base64 decode"),
    "base64 with too little padding": ('{"inputs": {"b64": "YQ="}}', TEXT, "Unable to base64 decode"),
    "not base64": ('{"instances": [{"b64": "!!!"}]}', TEXT, ELEMENT_0 + "Unable to base64 decode"),
    "half": (
        '{"instances": [[1.0]]}',
        signature(x="half"),
        UNIMPLEMENTED_0 + "Conversion of JSON Value: 1.0 to type: half",
    ),
    "uint16": (
        '{"instances": [[0]]}',
        signature(x="uint16"),
        UNIMPLEMENTED_0 + "Conversion of JSON Value: 0 to type: uint16",
    ),
    "complex": (
        '{"instances": [[1.0]]}',
        signature(x="complex64"),
        UNIMPLEMENTED_0 + "Conversion of JSON Value: 1.0 to type: complex64",
    ),
    "rows of two lengths": (
        '{"instances": [[1, 2, 3], [4, 5]]}',
        FLOAT,
        ELEMENT_1 + "Expecting tensor size: 3 but got: 2",
    ),
    "second row has more dimensions": (
        '{"instances": [[1, 2], [[1], [2]]]}',
        FLOAT,
        ELEMENT_1 + "Expecting shape [2] but got: [2,1]",
    ),
    "value before list": ('{"instances": [1, [2]]}', FLOAT, ELEMENT_1 + "Expecting shape [] but got: [1]"),
}


@pytest.mark.parametrize(("body", "definition", "message"), REFUSED.values(), ids=REFUSED)
def test_error_messages_of_tensorflow_serving(body: str, definition: SignatureDef, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read(body, definition)
    assert str(caught.value) == message


DEEP = "[" * 1000 + "]" * 1000
MALICIOUS = {
    "deeply nested instances": f'{{"instances": {DEEP}}}',
    "deeply nested document": DEEP,
    "deeply nested signature name": f'{{"signature_name": {DEEP}, "inputs": 1}}',
    "number in 70 lists": f'{{"inputs": {"[" * 70}1{"]" * 70}}}',
    "string in 70 lists": f'{{"inputs": {"[" * 70}"a"{"]" * 70}}}',
    "row of 64 lists": f'{{"instances": [{"[" * 64}1{"]" * 64}]}}',
    "nested deeper than the limit": "[" * 100_000,
    "half of a surrogate pair": '{"inputs": "\\ud800", "signature_name": 1}',
    "very many digits": '{"inputs": [NaN, ' + "9" * 5000 + "]}",
    "huge exponent": '{"inputs": 1e' + "9" * 5000 + "}",
    "many values of a wrong type": '{"inputs": [' + "null," * 10_000 + "1]}",
    "rows of two lengths": '{"instances": [' + "[1]," * 10_000 + "[1, 2]]}",
}


@pytest.mark.parametrize("body", MALICIOUS.values(), ids=MALICIOUS)
@pytest.mark.parametrize("definition", [FLOAT, TEXT], ids=["float", "string"])
def test_malicious(body: str, definition: SignatureDef) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read(body, definition)
    assert len(str(caught.value)) < 4000


@pytest.mark.parametrize(
    ("body", "error"),
    [('{"inputs": 1}', Unimplemented), ('{"inputs": {"a": 1}}', InvalidArgument), ('{"inputs": []}', None)],
)
def test_half_in_columns(body: str, error: type[ServingError] | None) -> None:
    if error is None:
        assert read(body, signature(x="half"))["x"].shape == (0,)
        return
    with pytest.raises(error):
        read(body, signature(x="half"))
