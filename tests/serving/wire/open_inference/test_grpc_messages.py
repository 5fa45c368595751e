"""Compares the codec of ModelInfer with the protobuf library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from keras_gallery.serving.errors import InvalidArgument, ResourceExhausted
from keras_gallery.serving.wire import messages, tensor
from keras_gallery.serving.wire.model_spec import ModelSpec
from keras_gallery.serving.wire.open_inference import grpc_messages
from keras_gallery.serving.wire.open_inference.grpc_messages import Parts, encode_response, inputs, parse, split

SPEC = ModelSpec("m", 3)
TYPED = {  # data type → its field, and values
    "BOOL": ("bool_contents", [True, False]),
    "INT8": ("int_contents", [-128, 127]),
    "INT16": ("int_contents", [-32768, 32767]),
    "INT32": ("int_contents", [-(2**31), 2**31 - 1]),
    "INT64": ("int64_contents", [-(2**63), 2**63 - 1]),
    "UINT8": ("uint_contents", [0, 255]),
    "UINT16": ("uint_contents", [0, 65535]),
    "UINT32": ("uint_contents", [0, 2**32 - 1]),
    "UINT64": ("uint64_contents", [0, 2**64 - 1]),
    "FP32": ("fp32_contents", [0.5, -1.5]),
    "FP64": ("fp64_contents", [0.1, -1e300]),
    "BYTES": ("bytes_contents", [b"\xff", b""]),
}


def request(*tensors: dict[str, Any], **fields: Any) -> bytes:
    given = [{"name": "x", "datatype": "FP32", "shape": [1]} | each for each in tensors]
    return bytes(messages.ModelInferRequest(inputs=given, **fields).SerializeToString())


def read(data: bytes) -> dict[str, Any]:
    parts = split(data)
    return inputs(parse(parts), parts)


@pytest.mark.parametrize("datatype", TYPED)
def test_typed_contents_in_both_directions(datatype: str) -> None:
    field, values = TYPED[datatype]
    each = {"datatype": datatype, "shape": [2, 1], "contents": {field: values}}
    data = request(each, each | {"name": "y"})
    arrays = read(data)
    assert list(arrays) == ["x", "y"] and arrays["y"].ravel().tolist() == values and arrays["x"].shape == (2, 1)
    assert arrays["x"].dtype == grpc_messages.Header.of("x", datatype, [2]).dtype
    answer = messages.ModelInferResponse.FromString(encode_response(parse(split(data)), split(data), SPEC, arrays))
    assert [output.datatype for output in answer.outputs] == [datatype] * 2 and not answer.raw_output_contents
    assert list(getattr(answer.outputs[1].contents, field)) == values and list(answer.outputs[0].shape) == [2, 1]


@pytest.mark.parametrize(
    ("datatype", "field", "value"),
    [("INT8", "int_contents", 128), ("INT16", "int_contents", -32769), ("UINT8", "uint_contents", 256)],
)
def test_integers_out_of_range(datatype: str, field: str, value: int) -> None:
    with pytest.raises(InvalidArgument, match=f"Expected {datatype} values from"):
        read(request({"datatype": datatype, "contents": {field: [value]}}))


def test_raw_contents_share_the_memory_of_the_request() -> None:
    values = np.arange(4, dtype=np.float32)
    data = request(
        {"shape": [4]}, raw_input_contents=[values.tobytes()], id="one", parameters={"a": {"bool_param": True}}
    )
    parts = split(data)
    array = inputs(parse(parts), parts)["x"]
    assert array.tolist() == values.tolist()
    whole = np.frombuffer(data, np.uint8)
    assert np.shares_memory(array, whole)
    expected = messages.ModelInferRequest.FromString(data)
    del expected.raw_input_contents[:]
    assert parse(parts) == expected


def test_fields_in_any_order() -> None:
    """Protocol buffers may have the raw contents before the inputs, and other fields between them."""
    first, second = (
        messages.ModelInferRequest(raw_input_contents=[each]).SerializeToString() for each in (b"\1", b"\3")
    )
    inner = request({"datatype": "INT8"}, model_name="m")
    other = request({"name": "y", "datatype": "UINT8"}, id="two")
    unknown = b"\xa5\x06abcd\xa1\x06abcdefgh\xa8\x06\x01"  # newer clients may have more fields
    data = first + inner + unknown + second + other
    assert {name: array.tolist() for name, array in read(data).items()} == {"x": [1], "y": [3]}
    assert parse(split(data)).id == "two"


def test_raw_outputs() -> None:
    values = {"a": np.array([[1.5]], np.float16), "b": np.array([b"s"], object), "c": np.zeros((0, 2), np.int64)}
    parts = split(request())
    answer = encode_response(parse(parts), parts, SPEC, {"a": np.array([1.5], np.float32)})  # no inputs
    assert [*messages.ModelInferResponse.FromString(answer).raw_output_contents] == [np.float32(1.5).tobytes()]
    typed = request({"contents": {"fp32_contents": [1]}}, id="one")
    for data in (typed, request(id="one")):
        parts = split(data)
        answer = messages.ModelInferResponse.FromString(encode_response(parse(parts), parts, SPEC, values))
        assert list(answer.raw_output_contents) == [values["a"].tobytes(), b"\1\0\0\0s", b""]
        assert [list(each.shape) for each in answer.outputs] == [[1, 1], [1], [0, 2]]
        assert (answer.model_name, answer.model_version, answer.id) == ("m", "3", "one")
        assert not any(each.HasField("contents") for each in answer.outputs)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (request({}), "Expected 1 values in fp32_contents for shape \\[1\\]. Received: 0"),
        (request({"contents": {"int_contents": [1]}}), "Expected 1 values in fp32_contents"),
        (request({"shape": [1 << 50], "contents": {"fp32_contents": [1]}}), "Received: 1$"),
        (request({"datatype": "FP16", "contents": {"fp32_contents": [1]}}), "FP16 needs raw_input_contents"),
        (request({}, raw_input_contents=[b"abc"]), "Expected 4 bytes for FP32 and shape \\[1\\]. Received: 3"),
        (
            request({}, raw_input_contents=[b"abcd"] * 2),
            "contents for each of 1 inputs. Received: 2",
        ),
        (request({}, {"name": "y"}, raw_input_contents=[b"abcd"]), "each of 2 inputs. Received: 1"),
        (request({"contents": {"fp32_contents": [1]}}, raw_input_contents=[b"abcd"]), "Received both"),
        (request({}, {}, raw_input_contents=[b"abcd"] * 2), "Input 'x': The request has this input twice"),
        (request({"datatype": "x" * 1000}), "Expected a datatype of"),
        (request(*[{}] * 10_001), "Expected at most 10000 inputs and outputs. Received: 10001"),
    ],
)
def test_malformed_inputs(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem) as caught:
        read(data)
    assert len(str(caught.value)) < 300


def test_requests_with_very_many_inputs() -> None:
    tensors = [{"name": f"x{number}", "datatype": "INT8"} for number in range(300)]
    data = request(*tensors, raw_input_contents=[bytes([number % 100]) for number in range(300)])
    assert {name: array.item() for name, array in read(data).items()} == {f"x{n}": n % 100 for n in range(300)}
    parts = split(data)
    assert len(parts.raw) == 0 and len(parse(parts).raw_input_contents) == 300
    answer = messages.ModelInferResponse.FromString(encode_response(parse(parts), parts, SPEC, {"y": np.int8([1])}))
    assert list(answer.raw_output_contents) == [b"\1"]
    raw_first = split(b"\x3a\1a" * 200 + request(*tensors) + b"\x3a\1b" * 100)
    assert len(raw_first.raw) == 200
    found = inputs(parse(raw_first), raw_first)
    assert found["x199"].tobytes() == b"a" and found["x200"].tobytes() == b"b"


def test_too_many_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor.FillBudget.__init__, "__defaults__", (1,))
    each = {"datatype": "BYTES", "contents": {"bytes_contents": [b""]}}
    assert read(request(each))
    with pytest.raises(ResourceExhausted):
        read(request(each, each | {"name": "y"}))


@pytest.mark.parametrize("data", [b"\x3a", b"\x3a\2a", b"\xff" * 11, b"\x3b\0", b"\x0a\x01\xff", b"\0\0", b"\x3d\0"])
def test_malformed_messages(data: bytes) -> None:
    with pytest.raises(DecodeError):
        messages.ModelInferRequest.FromString(data)
    with pytest.raises(DecodeError):
        parse(split(data))


def test_the_signature_is_a_parameter() -> None:
    def spec(*names: str) -> Any:
        return names

    named = request(model_name="m", model_version="3", parameters={"signature_name": {"string_param": "s"}})
    assert grpc_messages.spec_of(parse(split(named)), spec) == ("m", "3", "s")
    assert grpc_messages.spec_of(parse(split(request())), spec) == ("", "", "")
    wrong = request(parameters={"signature_name": {"int64_param": 1}})
    with pytest.raises(InvalidArgument, match="Expected a string for the parameter signature_name"):
        grpc_messages.spec_of(parse(split(wrong)), spec)


def test_the_cost_of_decoding() -> None:
    tensors = [{"datatype": "BYTES"}, {"name": "y"}, {"name": "z", "datatype": "BYTES"}]
    parts = split(request(*tensors, raw_input_contents=[b"a" * 10, b"b" * 20, b"c" * 30]))
    assert grpc_messages.cost(parse(parts), parts) == len(parts.rest) + 40 + 3 * 256
    assert grpc_messages.cost(parse(parts), Parts([], parts.rest)) == len(parts.rest) + 3 * 256
