"""Compares the REST bodies of the Open Inference Protocol with NumPy and Python's JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.errors import InvalidArgument, ResourceExhausted
from keras_gallery.serving.wire import tensor
from keras_gallery.serving.wire.model_spec import ModelSpec
from keras_gallery.serving.wire.open_inference.json_bodies import encode, read, string_memory
from keras_gallery.serving.wire.open_inference.tensors import DATA_TYPES

SPEC = ModelSpec("m", 3)
BINARY = {"binary_data_size": 4}


def body(*tensors: dict[str, Any], **members: Any) -> bytes:
    given = [{"name": "x", "datatype": "FP32", "shape": [1]} | each for each in tensors]
    return json.dumps({"inputs": given} | members).encode()


def values(datatype: str, shape: list[int], data: Any) -> np.ndarray:
    return read(body({"datatype": datatype, "shape": shape, "data": data})).inputs["x"]


@pytest.mark.parametrize("datatype", DATA_TYPES)
def test_flat_and_nested_lists(datatype: str) -> None:
    items: list[Any] = [True, False, True, True] if datatype == "BOOL" else [0, 1, 2, 3]
    items = ["a", "é", "", {"b64": "/w=="}] if datatype == "BYTES" else items
    expected = [b"a", "é".encode(), b"", b"\xff"] if datatype == "BYTES" else items
    for data in (items, [items[:2], items[2:]]):
        array = values(datatype, [2, 2], data)
        assert array.dtype == DATA_TYPES[datatype].numpy and array.shape == (2, 2)
        assert array.ravel().tolist() == expected


def test_scalars_and_empty_tensors() -> None:
    assert values("FP32", [], [1.5]).shape == () and values("FP32", [], 1.5) == 1.5
    assert values("INT8", [0, 3], []).shape == (0, 3)


def test_numbers_that_are_not_finite() -> None:
    found = read(b'{"inputs": [{"name": "x", "shape": [3], "datatype": "FP16", "data": [NaN, -Infinity, 1e9]}]}')
    np.testing.assert_array_equal(found.inputs["x"], np.array([np.nan, -np.inf, np.inf], np.float16))
    text, _ = encode(found, SPEC, {"y": found.inputs["x"]})
    assert text.endswith(b'"data":[NaN,-Infinity,Infinity]}]}')


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("INT8", [128]),
        ("INT16", [-32769]),
        ("UINT8", [-1]),
        ("UINT16", [65536]),
        ("INT32", [1 << 31]),
        ("UINT64", [1 << 64]),
        ("INT64", [0.5]),
        ("FP32", ["1"]),
        ("FP32", [True]),
        ("BOOL", [1]),
        ("BYTES", [1]),
        ("BF16", [[1], [2, 3]]),
    ],
)
def test_values_of_another_type(datatype: str, data: Any) -> None:
    with pytest.raises(InvalidArgument, match=f"Input 'x': Expected {datatype} values"):
        values(datatype, [1], data)


def test_binary_data() -> None:
    text = body(
        {"parameters": BINARY}, {"name": "j", "data": [2]}, {"name": "y", "parameters": BINARY, "datatype": "INT32"}
    )
    data = text + np.float32(1.5).tobytes() + np.int32(-7).tobytes()
    found = read(data, len(text)).inputs
    assert {name: array.tolist() for name, array in found.items()} == {"x": [1.5], "j": [2.0], "y": [-7]}
    assert np.shares_memory(found["x"], np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(
    ("given", "binary", "problem"),
    [
        ({"parameters": BINARY}, b"abc", "Expected 4 bytes of binary data. Received: 3"),
        ({"parameters": BINARY}, b"abcde", "Expected 4 bytes of binary data for all inputs. Received: 5"),
        ({"parameters": {"binary_data_size": 3}}, b"abc", "Expected 4 bytes for FP32"),
        ({"parameters": {"binary_data_size": -1}}, b"", "Expected -1 bytes of binary data. Received: 0"),
        ({"parameters": {"binary_data_size": 1 << 60}}, b"abcd", "Received: 4"),
        ({"parameters": {"binary_data_size": True}}, b"abcd", "Expected an integer for the member binary_data_size"),
        ({"parameters": BINARY, "data": [1]}, b"abcd", "Received both"),
        ({"parameters": BINARY, "shape": [1 << 50]}, b"abcd", "Received: 4$"),
        ({"parameters": [1]}, b"", "Expected an object for the member parameters"),
        ({}, b"", "Expected the member data, or the parameter binary_data_size"),
        ({"data": [1, 2]}, b"", r"Expected 1 values for shape \[1\]. Received: 2"),
        ({"data": [1], "shape": [1.0]}, b"", "Expected integers in the shape"),
        ({"data": [1], "shape": [True]}, b"", "Expected integers in the shape"),
        ({"data": [1], "shape": 1}, b"", "Expected a list for the member shape"),
        ({"data": [1], "name": 1}, b"", "Expected a string for the member name"),
        ({"data": [1], "datatype": "float"}, b"", "Expected a datatype of BOOL, .*Received: 'float'"),
    ],
)
def test_malformed_inputs(given: dict[str, Any], binary: bytes, problem: str) -> None:
    text = body(given)
    with pytest.raises(InvalidArgument, match=problem):
        read(text + binary, len(text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[]", "Expected a JSON object with the member inputs"),
        (b"{}", "Expected a list for the member inputs"),
        (b'{"inputs": [1]}', "Expected a list of objects for the member inputs"),
        (b'{"inputs": [], "outputs": {}}', "Expected a list for the member outputs"),
        (b'{"inputs": [], "outputs": [{}]}', "Expected a string for the member name"),
        (b'{"inputs": [], "id": 1}', "Expected a string for the member id"),
        (b'{"inputs": [], "parameters": {"binary_data_output": 1}}', "Expected true or false for the member binary"),
        (b'{"inputs": [], "parameters": {"signature_name": []}}', "Expected a string for the member signature_name"),
        (b'{"inputs": ', "JSON Parse error"),
        (body({"data": [1]}, {"data": [1]}), "Input 'x': The request has this input twice"),
        (body(*[{"data": []}] * 10_001), "Expected at most 10000 inputs and outputs. Received: 10001"),
    ],
)
def test_malformed_bodies(text: bytes, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        read(text)


def test_a_body_that_is_shorter_than_its_json() -> None:
    with pytest.raises(InvalidArgument, match="Expected a body of at least 3 bytes. Received: 2"):
        read(b"{}", 3)


def test_too_many_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor.FillBudget.__init__, "__defaults__", (1,))
    each = {"datatype": "BYTES", "data": ["a"]}
    assert read(body(each))
    with pytest.raises(ResourceExhausted):
        read(body(each, each | {"name": "y"}))


def test_which_outputs_are_binary() -> None:
    arrays = {name: np.array([[1, 2]], np.int16) for name in ("a", "b", "c")}
    outputs = [{"name": "a", "parameters": {"binary_data": True}}, {"name": "b", "parameters": {"binary_data": False}}]
    for default in (False, True):
        wanted = body({"data": [1]}, id="1", outputs=outputs, parameters={"binary_data_output": default})
        text, size = encode(read(wanted), SPEC, arrays)
        assert size is not None
        answer = json.loads(text[:size])
        assert (answer["model_name"], answer["model_version"], answer["id"]) == ("m", "3", "1")
        binary = {each["name"] for each in answer["outputs"] if each.get("parameters") == BINARY}
        assert binary == {"a", "c"} if default else {"a"}
        assert text[size:] == arrays["a"].tobytes() * len(binary)
        lists = [each for each in answer["outputs"] if each["name"] not in binary]
        assert all(each["data"] == [1, 2] and each["shape"] == [1, 2] for each in lists)
        assert len(lists) == 3 - len(binary)


def test_an_answer_of_json_only() -> None:
    arrays = {
        "half": np.array([0.25], np.float16),
        "flag": np.array(True),
        "none": np.zeros((0, 2), np.uint64),
        "text": np.array([[b"a", "é".encode()], [b"\xff", b'"']], object),
    }
    text, size = encode(read(body({"data": [1]})), SPEC, arrays)
    assert size is None
    found = {each["name"]: (each["datatype"], each["shape"], each["data"]) for each in json.loads(text)["outputs"]}
    assert found == {
        "half": ("FP16", [1], [0.25]),
        "flag": ("BOOL", [], [True]),
        "none": ("UINT64", [0, 2], []),
        "text": ("BYTES", [2, 2], ["a", "é", {"b64": "/w=="}, '"']),
    }
    assert "id" not in json.loads(text)


def test_the_memory_of_strings() -> None:
    text = body({"datatype": "BYTES"})
    assert string_memory(text + bytes(100), len(text)) == 1200
    assert string_memory(text.replace(b"B", b"\\u0042") + bytes(100), len(text) + 5) == 1200
    assert string_memory(body({}) + bytes(100), len(body({}))) == 0
