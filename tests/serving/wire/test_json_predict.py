"""REST predict bodies: values against NumPy and Python's json, refusals in TensorFlow Serving's words."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from keras_gallery.serving.errors import InvalidArgument, ServingError
from keras_gallery.serving.saved_model import SignatureDef, TensorSpec
from keras_gallery.serving.wire import dtypes, json_predict

ROWS = {row.name: row for row in dtypes.DATA_TYPES}
several = settings(max_examples=150, deadline=None, database=None)


def signature(**inputs: str) -> SignatureDef:
    """A signature with inputs of the named data types."""
    return SignatureDef("s", "", {name: TensorSpec(name, ROWS[kind], None) for name, kind in inputs.items()}, {})


FLOAT, INT, TEXT = signature(x="float"), signature(x="int32"), signature(x="string")
BOTH = signature(a="float", b="int64")


def read(body: str, definition: SignatureDef) -> Any:
    return json_predict.arrays(json_predict.parse(body.encode()), definition)


def same(found: Any, expected: Any, kind: str) -> None:
    assert found.dtype == ROWS[kind].numpy
    np.testing.assert_array_equal(found, np.array(expected, ROWS[kind].numpy))


# === Values in ===

ACCEPTED: dict[str, tuple[str, SignatureDef, dict[str, Any]]] = {
    "rows": ('{"instances": [[1.5, -2], [3, 4]]}', FLOAT, {"x": [[1.5, -2], [3, 4]]}),
    "rows of one value": ('{"instances": [1, 2.5, -0.0]}', FLOAT, {"x": [1, 2.5, -0.0]}),
    "named rows": ('{"instances": [{"x": [1]}, {"x": [2]}]}', FLOAT, {"x": [[1], [2]]}),
    "named rows of two inputs": (
        '{"instances": [{"a": [1, 2], "b": 10}, {"b": 20, "a": [3, 4]}]}',
        BOTH,
        {"a": [[1, 2], [3, 4]], "b": [10, 20]},
    ),
    "deep rows": ('{"instances": [[[1, 2], [3, 4]]]}', FLOAT, {"x": [[[1, 2], [3, 4]]]}),
    "empty rows": ('{"instances": [[], []]}', FLOAT, {"x": [[], []]}),
    "empty rows of whole numbers": ('{"instances": [[], []]}', INT, {"x": [[], []]}),
    "columns": ('{"inputs": [[1.5, -2]]}', FLOAT, {"x": [[1.5, -2]]}),
    "named columns": ('{"inputs": {"x": [[1], [2]]}}', FLOAT, {"x": [[1], [2]]}),
    "columns of two inputs": ('{"inputs": {"b": [1], "a": [[2]]}}', BOTH, {"a": [[2]], "b": [1]}),
    "one value": ('{"inputs": 2.5}', FLOAT, {"x": 2.5}),
    "one named value": ('{"inputs": {"x": 3}}', FLOAT, {"x": 3}),
    "no value": ('{"inputs": []}', FLOAT, {"x": []}),
    "NaN and infinities": ('{"instances": [NaN, Infinity, -Infinity]}', FLOAT, {"x": [math.nan, math.inf, -math.inf]}),
    "too large for float": ('{"instances": [1e39, -1e39]}', FLOAT, {"x": [math.inf, -math.inf]}),
    "whole numbers": ('{"instances": [2147483647, -2147483648]}', INT, {"x": [2147483647, -2147483648]}),
    "64 bits": ('{"inputs": {"a": 1, "b": -9223372036854775808}}', BOTH, {"a": 1, "b": -(1 << 63)}),
    "low bits of small kinds": ('{"inputs": [256, -1, 300]}', signature(x="uint8"), {"x": [0, 255, 44]}),
    "truth values": ('{"instances": [[true, false]]}', signature(x="bool"), {"x": [[True, False]]}),
    "doubles": ('{"inputs": [0.1, 1e300]}', signature(x="double"), {"x": [0.1, 1e300]}),
    "huge whole number": ('{"inputs": 1234567890123456789012}', signature(x="double"), {"x": 1234567890123456789012.0}),
    "text": ('{"instances": [["a", ""], ["ž", "\\"\\u0000"]]}', TEXT, {"x": [[b"a", b""], ["ž".encode(), b'"\0']]}),
    "pair of escapes": ('{"inputs": ["\\u00e9\\ud83d\\ude00"]}', TEXT, {"x": ["é😀".encode()]}),
    "bytes": ('{"instances": [{"b64": "AP8Q"}, "plain"]}', TEXT, {"x": [b"\x00\xff\x10", b"plain"]}),
    "bytes without padding": ('{"instances": [{"b64": "YQ"}]}', TEXT, {"x": [b"a"]}),
    "named bytes": ('{"instances": [{"x": {"b64": "YQ=="}}]}', TEXT, {"x": [b"a"]}),
    "one text": ('{"inputs": {"b64": "YQ=="}}', TEXT, {"x": b"a"}),
    "no text": ('{"inputs": [[], []]}', TEXT, {"x": np.empty((2, 0), object)}),
    "unknown keys": ('{"instances": [1], "extra": {"a": [1]}}', FLOAT, {"x": [1]}),
    "byte order mark": ('\ufeff{"instances": [1]}', FLOAT, {"x": [1]}),
    "white space": (' \n{ "instances" :\t[ 1 ] }\r\n', FLOAT, {"x": [1]}),
}  # fmt: skip


@pytest.mark.parametrize(("body", "definition", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(body: str, definition: SignatureDef, expected: dict[str, Any]) -> None:
    found = read(body, definition)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        same(found[name], values, definition.inputs[name].dtype.name)


@pytest.mark.parametrize(
    "kind", ["float", "double", "int32", "uint8", "int16", "int8", "int64", "uint32", "uint64", "bool"]
)
@several
@given(data=st.data())
def test_arrays_as_lists(kind: str, data: st.DataObject) -> None:
    shapes = arrays_of.array_shapes(min_dims=1, max_dims=4, max_side=3)
    small = {"elements": st.integers(0, (1 << 63) - 1)} if kind == "uint64" else {}
    array = data.draw(arrays_of.arrays(ROWS[kind].numpy, shapes, **small))
    listed = json.dumps(array.tolist())
    for body in (f'{{"instances": {listed}}}', f'{{"inputs": {listed}}}', f'{{"inputs": {{"x": {listed}}}}}'):
        same(read(body, signature(x=kind))["x"], array, kind)


@several
@given(texts=st.lists(st.lists(st.binary(max_size=5), min_size=2, max_size=2), min_size=1, max_size=3))
def test_bytes_as_lists(texts: list[list[bytes]]) -> None:
    rows = [[{"b64": base64.b64encode(text).decode()} for text in row] for row in texts]
    assert read(json.dumps({"instances": rows}), TEXT)["x"].tolist() == texts


@pytest.mark.parametrize(
    ("body", "name", "rows"),
    [
        ('{"instances": [1]}', "", True),
        ('{"signature_name": "encode", "inputs": 1}', "encode", False),
        ('{"signature_name": "a", "signature_name": "b", "inputs": 1}', "b", False),
    ],
)
def test_signature_name_and_form(body: str, name: str, rows: bool) -> None:
    parsed = json_predict.parse(body.encode())
    assert (parsed.signature, parsed.rows) == (name, rows)


# === What is refused ===

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
    "name not a text": (
        '{"signature_name": null, "inputs": 1}',
        FLOAT,
        'JSON Value: {\n    "signature_name": null,\n    "inputs": 1\n} not formatted correctly. '
        "'signature_name' key must be a string value.",
    ),
    "extra name": (
        '{"instances": [{"a": [1, 2], "b": 10, "c": 1}]}',
        BOTH,
        "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: "
        "JSON object: does not have named input: c",
    ),
    "missing name": (
        '{"instances": [{"a": 1}]}',
        BOTH,
        "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} keys must be equal to: a,b",
    ),
    "missing name in columns": ('{"inputs": {"a": 1}}', BOTH, "Missing named input: b in 'inputs' object."),
    "plain rows for two inputs": (
        '{"instances": [[1, 2]]}',
        BOTH,
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    "object, then list": (
        '{"instances": [{"x": 1}, [1]]}',
        FLOAT,
        "Expecting object but got list at item 1 of input list",
    ),
    "list, then object": (
        '{"instances": [[1], {"x": 1}]}',
        FLOAT,
        "Expecting value/list but got object at item 1 of input list",
    ),
    "text for float": (
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
    "bytes for float": (
        '{"instances": [[{"b64": "YQ=="}]]}',
        FLOAT,
        ELEMENT_0 + 'JSON Value: {\n    "b64": "YQ=="\n} Type: Object is not of expected type: float',
    ),
    "float for a whole number": (
        '{"instances": [[1.0, 2.0]]}',
        INT,
        ELEMENT_0 + "JSON Value: 1.0 Type: Number is not of expected type: int32",
    ),
    "too large for a whole number": (
        '{"instances": [[1, 2], [3, 2147483648]]}',
        INT,
        ELEMENT_1 + "JSON Value: 2147483648 Type: Number is not of expected type: int32",
    ),
    "too small for a whole number": (
        '{"inputs": [1, -2147483649]}',
        INT,
        "JSON Value: -2147483649 Type: Number is not of expected type: int32",
    ),
    "too large for a small kind": (
        '{"inputs": 2147483648}',
        signature(x="uint8"),
        "JSON Value: 2147483648 Type: Number is not of expected type: uint8",
    ),
    "too large for 64 bits": (
        '{"inputs": 9223372036854775808}',
        signature(x="int64"),
        "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64",
    ),
    "negative for a kind without sign": (
        '{"inputs": [-1]}',
        signature(x="uint64"),
        "JSON Value: -1 Type: Number is not of expected type: uint64",
    ),
    "null for text": (
        '{"instances": [[null, "a"]]}',
        TEXT,
        ELEMENT_0 + "JSON Value: null Type: Null is not of expected type: string",
    ),
    "no base64": ('{"instances": [{"b64": "!!!"}]}', TEXT, ELEMENT_0 + "Unable to base64 decode"),
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
    "second row deeper": (
        '{"instances": [[1, 2], [[1], [2]]]}',
        FLOAT,
        ELEMENT_1 + "Expecting shape [2] but got: [2,1]",
    ),
    "value, then list": ('{"instances": [1, [2]]}', FLOAT, ELEMENT_1 + "Expecting shape [] but got: [1]"),
}


@pytest.mark.parametrize(("body", "definition", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_in_tensorflow_servings_words(body: str, definition: SignatureDef, message: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read(body, definition)
    assert str(refused.value) == message


DEEP = "[" * 1000 + "]" * 1000
NO_REQUESTS = {
    "both forms": '{"instances": [1], "inputs": [1]}',
    "not closed": '{"instances": [1}',
    "single quotes": "{'instances': [1]}",
    "comma at the end": '{"instances": [1,]}',
    "comment": '{"instances": [1] /* one */}',
    "no rows": '{"instances": []}',
    "empty rows, then not": '{"instances": [[], [1]]}',
    "ragged inside a row": '{"instances": [[[1, 2], 3]]}',
    "ragged columns": '{"inputs": [[1, 2], [3]]}',
    "ragged text": '{"instances": [["a", ["b"]]]}',
    "text and number": '{"instances": [[1, "2"]]}',
    "bytes that are no text": '{"inputs": {"b64": 5}}',
    "deep": f'{{"instances": {DEEP}}}',
    "deep document": DEEP,
    "deep name": f'{{"signature_name": {DEEP}, "inputs": 1}}',
    "deep value": f'{{"inputs": {"[" * 70}1{"]" * 70}}}',
    "deep text": f'{{"inputs": {"[" * 70}"a"{"]" * 70}}}',
    "too deep for json": "[" * 100_000,
    "half an escape": '{"inputs": "\\ud800", "signature_name": 1}',
    "very many digits": '{"inputs": [NaN, ' + "9" * 5000 + "]}",
    "long whole number": '{"inputs": [NaN, ' + "9" * 400 + "]}",
}


@pytest.mark.parametrize("body", NO_REQUESTS.values(), ids=NO_REQUESTS)
@pytest.mark.parametrize("definition", [FLOAT, TEXT], ids=["float", "string"])
def test_no_request(body: str, definition: SignatureDef) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read(body, definition)
    assert len(str(refused.value)) < 2000


def test_not_utf8() -> None:
    with pytest.raises(InvalidArgument, match="^JSON Parse error: "):
        json_predict.parse(b'{"instances": ["\xff"]}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 66), 1 << 66) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "b64"]), inner, max_size=2),
    max_leaves=8,
)  # fmt: skip


@several
@given(
    values=JSON,
    key=st.sampled_from(["instances", "inputs"]),
    kind=st.sampled_from(["float", "int64", "string", "bool"]),
)
def test_any_json_is_arrays_or_refused(values: Any, key: str, kind: str) -> None:
    try:
        found = read(json.dumps({key: values}), signature(a=kind))
    except ServingError as error:
        assert error.http_status in (400, 501)
    else:
        assert found["a"].dtype == ROWS[kind].numpy


# === Answers ===


def answer(rows: bool, **outputs: Any) -> Any:
    made = json_predict.encode({name: np.asarray(array) for name, array in outputs.items()}, rows=rows)
    document = json.loads(made)
    assert list(document) == ["predictions" if rows else "outputs"]
    return next(iter(document.values()))


TWO = np.array([[1.5, -2], [0.25, 4]], np.float32)
BYTES = np.array([b"\xff\0", b"a"], object)
ANSWERS = {
    "rows": (True, {"y": TWO}, TWO.tolist()),
    "columns": (False, {"y": TWO}, TWO.tolist()),
    "no rows": (True, {"y": TWO[:0]}, []),
    "rows of nothing": (True, {"y": TWO[:, :0]}, [[], []]),
    "one value": (False, {"y": np.float32(2.5)}, 2.5),
    "rows of two outputs": (
        True,
        {"y": TWO, "n": np.array([3, 4])},
        [{"y": [1.5, -2], "n": 3}, {"y": [0.25, 4], "n": 4}],
    ),
    "columns of two outputs": (False, {"y": TWO, "n": np.array([3])}, {"y": TWO.tolist(), "n": [3]}),
    "truth values": (True, {"y": np.array([True, False])}, [True, False]),
    "truth values beside numbers": (True, {"y": np.array([True]), "n": np.array([7], np.uint8)}, [{"y": True, "n": 7}]),
    "64 bits": (True, {"y": np.array([(1 << 64) - 1], np.uint64)}, [(1 << 64) - 1]),
    "half": (True, {"y": np.array([0.5, 65504], np.float16)}, [0.5, 65504]),
    "bfloat16": (True, {"y": np.array([0.5, 3], ml_dtypes.bfloat16)}, [0.5, 3]),
    "transposed": (True, {"y": TWO.T}, TWO.T.tolist()),
    "text": (True, {"y": np.array(["žluť".encode(), b'"\n'], object)}, ["žluť", '"\n']),
    "bytes by name": (True, {"y_bytes": BYTES}, [{"b64": "/wA="}, {"b64": "YQ=="}]),
    "bytes in columns": (False, {"y_bytes": BYTES.reshape(2, 1)}, [[{"b64": "/wA="}], [{"b64": "YQ=="}]]),
    "one text": (False, {"y": np.array(b"a", object)}, "a"),
    "bytes beside numbers": (
        True,
        {"y_bytes": BYTES[1:], "n": np.array([2.5])},
        [{"y_bytes": {"b64": "YQ=="}, "n": 2.5}],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "outputs", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answers(rows: bool, outputs: dict[str, Any], expected: Any) -> None:
    assert answer(rows, **outputs) == expected


@pytest.mark.parametrize("rows", [True, False], ids=["rows", "columns"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_nan_and_infinities(rows: bool, dtype: Any) -> None:
    special = np.array([math.nan, math.inf, -math.inf, 1.5], dtype)
    np.testing.assert_array_equal(answer(rows, y=special), special)
    beside = answer(rows, y=special, n=np.arange(4))
    values = [row["y"] for row in beside] if rows else beside["y"]
    np.testing.assert_array_equal(values, special)


@several
@given(array=arrays_of.arrays(st.sampled_from(["f4", "f8"]), 3, elements={"allow_subnormal": False}))
def test_floats_come_back_as_they_were(array: np.ndarray[Any, Any]) -> None:
    np.testing.assert_array_equal(np.array(answer(True, y=array), array.dtype), array)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"total": np.float32(6)}, "Tensor name: total has no shape information "),
        ({"each": TWO, "first": TWO[:1]}, "Tensor name: first has inconsistent batch size: 1 expecting: 2"),
    ],
)
def test_outputs_without_a_shared_batch(outputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        answer(True, **outputs)
    assert str(refused.value) == message


def test_complex_numbers_have_no_json() -> None:
    with pytest.raises(InvalidArgument, match="Received: y of dtype complex64$"):
        answer(False, y=np.array([1j], np.complex64))
