"""Tests of reading REST predict requests. Error messages must equal TensorFlow Serving's."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from keras_gallery.serving.errors import InvalidArgument, ServingError, Unimplemented
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.json import grid as json_grid
from keras_gallery.serving.wire.json import predict as json_predict
from keras_gallery.serving.wire.json import tensors as json_tensors
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

from ....random_inputs import random_inputs

ROWS = {row.name: row for row in dtypes.DATA_TYPES}
many_examples = random_inputs(150)


def signature(**inputs: str) -> SignatureDef:
    """Returns a signature with inputs of the named data types."""
    return SignatureDef("s", "", {name: TensorSpec(name, ROWS[dtype], None) for name, dtype in inputs.items()}, {})


FLOAT, INT, TEXT = signature(x="float"), signature(x="int32"), signature(x="string")
BOTH = signature(a="float", b="int64")


def read(body: str | bytes, definition: SignatureDef) -> Any:
    data = body if isinstance(body, bytes) else body.encode()
    return json_predict.arrays(json_predict.parse(data), definition)


def same(result: Any, expected: Any, dtype: str) -> None:
    assert result.dtype == ROWS[dtype].numpy
    np.testing.assert_array_equal(result, np.array(expected, ROWS[dtype].numpy))


# === Accepted values ===

ACCEPTED: dict[str, tuple[str | bytes, SignatureDef, dict[str, Any]]] = {
    "rows": ('{"instances": [[1.5, -2], [3, 4]]}', FLOAT, {"x": [[1.5, -2], [3, 4]]}),
    "rows of scalars": ('{"instances": [1, 2.5, -0.0]}', FLOAT, {"x": [1, 2.5, -0.0]}),
    "rows with the input's name": ('{"instances": [{"x": [1]}, {"x": [2]}]}', FLOAT, {"x": [[1], [2]]}),
    "rows with the names of two inputs": (
        '{"instances": [{"a": [1, 2], "b": 10}, {"b": 20, "a": [3, 4]}]}',
        BOTH,
        {"a": [[1, 2], [3, 4]], "b": [10, 20]},
    ),
    "rows of nested lists": ('{"instances": [[[1, 2], [3, 4]]]}', FLOAT, {"x": [[[1, 2], [3, 4]]]}),
    "empty rows": ('{"instances": [[], []]}', FLOAT, {"x": [[], []]}),
    "empty rows of integers": ('{"instances": [[], []]}', INT, {"x": [[], []]}),
    "columns": ('{"inputs": [[1.5, -2]]}', FLOAT, {"x": [[1.5, -2]]}),
    "columns with the input's name": ('{"inputs": {"x": [[1], [2]]}}', FLOAT, {"x": [[1], [2]]}),
    "columns of two inputs": ('{"inputs": {"b": [1], "a": [[2]]}}', BOTH, {"a": [[2]], "b": [1]}),
    "one value": ('{"inputs": 2.5}', FLOAT, {"x": 2.5}),
    "one value with the input's name": ('{"inputs": {"x": 3}}', FLOAT, {"x": 3}),
    "no value": ('{"inputs": []}', FLOAT, {"x": []}),
    "NaN and infinities": ('{"instances": [NaN, Infinity, -Infinity]}', FLOAT, {"x": [math.nan, math.inf, -math.inf]}),
    "too large for float": ('{"instances": [1e39, -1e39]}', FLOAT, {"x": [math.inf, -math.inf]}),
    "integers": ('{"instances": [2147483647, -2147483648]}', INT, {"x": [2147483647, -2147483648]}),
    "64 bits": ('{"inputs": {"a": 1, "b": -9223372036854775808}}', BOTH, {"a": 1, "b": -(1 << 63)}),
    "uint8 keeps the low bits": ('{"inputs": [256, -1, 300]}', signature(x="uint8"), {"x": [0, 255, 44]}),
    "booleans": ('{"instances": [[true, false]]}', signature(x="bool"), {"x": [[True, False]]}),
    "doubles": ('{"inputs": [0.1, 1e300]}', signature(x="double"), {"x": [0.1, 1e300]}),
    "22-digit integer": ('{"inputs": 1234567890123456789012}', signature(x="double"), {"x": 1234567890123456789012.0}),
    "strings": ('{"instances": [["a", ""], ["ž", "\\"\\u0000"]]}', TEXT, {"x": [[b"a", b""], ["ž".encode(), b'"\0']]}),
    "surrogate pair": ('{"inputs": ["\\u00e9\\ud83d\\ude00"]}', TEXT, {"x": ["é😀".encode()]}),
    "base64": ('{"instances": [{"b64": "AP8Q"}, "plain"]}', TEXT, {"x": [b"\x00\xff\x10", b"plain"]}),
    "base64 without padding": ('{"instances": [{"b64": "YQ"}]}', TEXT, {"x": [b"a"]}),
    "base64 with the input's name": ('{"instances": [{"x": {"b64": "YQ=="}}]}', TEXT, {"x": [b"a"]}),
    "one string": ('{"inputs": {"b64": "YQ=="}}', TEXT, {"x": b"a"}),
    "no strings": ('{"inputs": [[], []]}', TEXT, {"x": np.empty((2, 0), object)}),
    "unknown keys": ('{"instances": [1], "extra": {"a": [1]}}', FLOAT, {"x": [1]}),
    "repeated keys, first counts": ('{"instances": [1], "instances": [2], "signature_name": "s"}', FLOAT, {"x": [1]}),
    "repeated inputs, first counts": ('{"inputs": {"x": [1], "x": [2]}}', FLOAT, {"x": [1]}),
    "unknown input is ignored": ('{"inputs": {"x": [1], "z": [2]}}', FLOAT, {"x": [1]}),
    "text after the document is ignored": ('{"instances": [1]} and more', FLOAT, {"x": [1]}),
    "string that is not UTF-8": (b'{"inputs": ["\xff\xfe"]}', TEXT, {"x": [b"\xff\xfe"]}),
    "base64 with white space": ('{"inputs": {"b64": "YW Jj\\nZA=="}}', TEXT, {"x": b"abcd"}),
    "no values for half": ('{"inputs": [[], []]}', signature(x="half"), {"x": [[], []]}),
    "byte order mark": ('\ufeff{"instances": [1]}', FLOAT, {"x": [1]}),
    "white space": (' \n{ "instances" :\t[ 1 ] }\r\n', FLOAT, {"x": [1]}),
}  # fmt: skip


@pytest.mark.parametrize(("body", "definition", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(body: str | bytes, definition: SignatureDef, expected: dict[str, Any]) -> None:
    result = read(body, definition)
    assert result.keys() == expected.keys()
    for name, values in expected.items():
        same(result[name], values, definition.inputs[name].dtype.name)


@pytest.mark.parametrize(
    "dtype", ["float", "double", "int32", "uint8", "int16", "int8", "int64", "uint32", "uint64", "bool"]
)
@many_examples
@given(data=st.data())
def test_arrays_as_lists(dtype: str, data: st.DataObject) -> None:
    shapes = arrays_of.array_shapes(min_dims=1, max_dims=4, max_side=3)
    small = {"elements": st.integers(0, (1 << 63) - 1)} if dtype == "uint64" else {}
    array = data.draw(arrays_of.arrays(ROWS[dtype].numpy, shapes, **small))
    listed = json.dumps(array.tolist())
    for body in (f'{{"instances": {listed}}}', f'{{"inputs": {listed}}}', f'{{"inputs": {{"x": {listed}}}}}'):
        result = read(body, signature(x=dtype))["x"]
        if dtype == "double":  # RapidJSON rounds several times
            np.testing.assert_allclose(result, array, rtol=1e-15, atol=5e-324)
        else:
            same(result, array, dtype)


@many_examples
@given(texts=st.lists(st.lists(st.binary(max_size=5), min_size=2, max_size=2), min_size=1, max_size=3))
def test_bytes_as_lists(texts: list[list[bytes]]) -> None:
    rows = [[{"b64": base64.b64encode(text).decode()} for text in row] for row in texts]
    assert read(json.dumps({"instances": rows}), TEXT)["x"].tolist() == texts


@pytest.mark.parametrize(
    ("body", "name", "rows"),
    [
        ('{"instances": [1]}', "", True),
        ('{"signature_name": "encode", "inputs": 1}', "encode", False),
        ('{"signature_name": "a", "signature_name": "b", "inputs": 1}', "a", False),
    ],
)
def test_signature_name_and_form(body: str, name: str, rows: bool) -> None:
    parsed = json_predict.parse(body.encode())
    assert (parsed.signature, parsed.rows) == (name, rows)


# === Errors ===

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


# === Random bodies ===

NUMBERS = st.one_of(
    st.integers(-(1 << 66), 1 << 66).map(str),
    st.floats().map(json.dumps),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.builds("{}.{}e{}".format, st.integers(0, 99), st.integers(0, 10**20), st.integers(-340, 340)),
    st.sampled_from(
        ["0e400", "-0", "-0.0", "16777217.0", "1.00000005960464477539", "1e-400", "1000e306", "NaN", "1e39"]
    ),
)
VALUES = st.recursive(
    NUMBERS | st.sampled_from(["true", "null", '"a"', '"u"', '{"b64": "YQ=="}', '{"a": 1, "a": 2}', "[]"]),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
    max_leaves=6,
)
BODIES = st.one_of(
    st.builds('{{"{}": {}}}'.format, st.sampled_from(["instances", "inputs"]), VALUES),
    st.builds('{{"instances": [{}, {}]}}'.format, VALUES, VALUES),
    st.builds('{{"inputs": {{"a": {}}}, "{}": {}}}'.format, VALUES, st.sampled_from(["inputs", "extra", "x"]), VALUES),
    st.builds('{{"instances": [{{"a": {}, "{}": {}}}]}}'.format, VALUES, st.sampled_from("ab"), VALUES),
    st.builds('{{"signature_name": {}, "inputs": {}}}'.format, st.sampled_from(['"s"', "null", '"\\u0075"']), VALUES),
    st.text('{}[]",:\\ 0123456789.eE+-tru', max_size=30),
)  # fmt: skip
DTYPES = st.sampled_from(["float", "double", "int8", "int32", "int64", "uint32", "uint64", "bool", "string", "half"])


def outcome(data: bytes, dtype: str) -> Any:
    try:
        parsed = json_predict.parse(data)
        array = json_predict.arrays(parsed, signature(a=dtype))["a"]
    except ServingError as error:
        return error.http_status, str(error)
    return (parsed.signature, parsed.rows, array.dtype, array.shape), array


@random_inputs(600)
@given(body=BODIES, dtype=DTYPES)
def test_fast_paths_change_nothing(body: str, dtype: str) -> None:
    """Converting all values at once gives the same arrays and errors as converting the values one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_grid, "_SHORT", 0)
        result = outcome(body.encode(), dtype)
        patch.setattr(json_grid, "_SHORT", 1 << 20)
        patch.setattr(json_tensors, "from_value", lambda *_: None)
        expected = outcome(body.encode(), dtype)
    if "Number too big" in str(expected[1]) and "Number too big" not in str(result[1]):
        assert "e" in body.lower() or len(body) > 308  # orjson reads 0e400, RapidJSON does not
        return
    assert result[0] == expected[0]
    if dtype in ("float", "double") and not isinstance(expected[1], str):
        np.testing.assert_allclose(result[1], expected[1], rtol=1e-6)
    else:
        np.testing.assert_array_equal(result[1], expected[1])


@many_examples
@given(st.binary(max_size=60), st.sampled_from(["float", "string"]))
def test_random_bytes_raise_only_expected_errors(data: bytes, dtype: str) -> None:
    for body in (data, b'{"inputs": ' + data + b"}"):
        try:
            json_predict.arrays(json_predict.parse(body), signature(a=dtype))
        except ServingError as error:
            assert error.http_status == 400
