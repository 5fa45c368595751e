"""Compares the fast path for PredictRequest and PredictResponse with the official and the generated classes."""

from __future__ import annotations

import struct
import tracemalloc
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from keras_gallery.serving.wire import messages, predict, tensor
from keras_gallery.serving.wire.predict import ModelSpec, PredictRequest, decode_request
from keras_gallery.serving.wire.tensor import TensorError, varint

from ...random_inputs import random_inputs

many_examples = random_inputs(200)

# === Random requests ===

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
DTYPES = st.sampled_from(["f4", "f8", "f2", "i4", "i8", "u1", "?", "c8"])
ARRAYS = DTYPES.flatmap(lambda dtype: arrays_of.arrays(dtype, SHAPES))
INPUTS = st.dictionaries(NAMES, ARRAYS, max_size=4)
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
SPECS = st.builds(ModelSpec, NAMES, version=INT64, signature=NAMES) | st.builds(
    ModelSpec, NAMES, label=NAMES, signature=NAMES
)


def chunk(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + varint(len(content)) + content


def shape_bytes(sizes: list[int]) -> bytes:
    return chunk(0x12, b"".join(chunk(0x12, b"\x08" + varint(size % (1 << 64))) for size in sizes))


def values_bytes(values: list[float]) -> list[bytes]:
    """Returns fields with the values in each encoding that a client may send."""
    floats, doubles = (struct.pack(f"<{len(values)}{code}", *values) for code in "fd")
    return [
        chunk(0x2A, floats),
        b"".join(b"\x2d" + floats[i : i + 4] for i in range(0, len(floats), 4)),  # unpacked
        chunk(0x32, doubles),
        b"".join(b"\x31" + doubles[i : i + 8] for i in range(0, len(doubles), 8)),
        chunk(0x22, floats),  # tensor_content
        chunk(0x22, doubles),
        chunk(0x3A, bytes(range(len(values)))),  # int_val
        chunk(0x42, b"text"),  # string_val
    ]


@st.composite
def tensors(draw: st.DrawFn) -> bytes:
    """Draws the bytes of a TensorProto. Its fields have any order. Some are repeated or unknown."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 1, 2, 3, 0, -1, 1 << 40, 1 << 62]), max_size=3))
    count = max(0, min(9, int(np.prod(sizes, dtype=object)))) if draw(st.booleans()) else draw(st.integers(0, 9))
    fields = [
        b"\x08" + varint(draw(st.sampled_from([1, 1, 1, 2, 2, 3, 7, 0, 99]))),
        shape_bytes(sizes),
        draw(st.sampled_from(values_bytes([0.5 * i for i in range(count)]))),
    ]
    extra = st.sampled_from(
        [
            *fields,
            *values_bytes([7.0]),
            b"\x08\x81\x00",  # dtype 1, encoded in two bytes instead of one
            b"\x18\x05",  # version_number
            b"\xf2\x01\x02hi",  # an unknown field
            chunk(0x12, b"\x18\x01"),  # unknown rank
            chunk(0x12, chunk(0x12, b"")),  # a size of 0, which protobuf omits
            chunk(0x12, chunk(0x12, b"\x08\x02\x12\x04rows")),  # a size with a name
        ]
    )
    return b"".join(draw(st.permutations(fields + draw(st.just([]) | st.lists(extra, max_size=2)))))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Draws the bytes of a PredictRequest. Its fields have any order. Some are repeated or incomplete."""
    names = st.sampled_from([b"x", b"y", "ž".encode(), b"", b"a name of some length" * 8])
    fields = []
    for _ in range(draw(st.integers(0, 3))):
        key, value = chunk(0x0A, draw(names)), chunk(0x12, draw(tensors()))
        entry = draw(st.sampled_from([key + value] * 6 + [value + key, key, value, key + value + value, b""]))
        fields.append(chunk(0x12, entry))
    fields += [chunk(0x1A, name) for name in draw(st.lists(names, max_size=2))]
    specs = [
        b"",
        chunk(0x0A, b"m"),
        chunk(0x0A, b"m") + chunk(0x12, b"\x08\x07"),
        chunk(0x22, b"v") + chunk(0x1A, b"s"),
    ]
    fields += [chunk(0x0A, spec) for spec in draw(st.lists(st.sampled_from(specs), max_size=2))]
    return b"".join(draw(st.permutations(fields)))


# === Decoding ===


def comparable(request: PredictRequest) -> Any:
    inputs = {
        name: str(value) if isinstance(value, TensorError) else (value.dtype, value.shape, str(value.ravel().tolist()))
        for name, value in request.inputs.items()
    }
    return request.spec, inputs, request.outputs


def outcome(read: Any, data: bytes) -> Any:
    try:
        return comparable(read(data))
    except DecodeError:
        return DecodeError


def official_spec(spec: ModelSpec) -> dict[str, Any]:
    choice = {"version_label": spec.label} if spec.version is None else {"version": {"value": spec.version}}
    return {"name": spec.name, "signature_name": spec.signature, **choice}


@many_examples
@given(spec=SPECS, inputs=INPUTS, outputs=st.lists(NAMES, max_size=3))
def test_requests_of_official_clients(
    tf: ModuleType, predict_pb2: ModuleType, spec: ModelSpec, inputs: Any, outputs: list[str]
) -> None:
    theirs = predict_pb2.PredictRequest(model_spec=official_spec(spec), output_filter=outputs)
    for name, array in inputs.items():
        theirs.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    expected = comparable(PredictRequest(spec, inputs, tuple(outputs)))
    assert comparable(decode_request(theirs.SerializeToString())) == expected


@many_examples
@given(data=requests())
def test_the_fast_path_agrees_with_the_generated_classes(data: bytes) -> None:
    assert outcome(decode_request, data) == outcome(predict._parse_request, data)


@many_examples
@given(data=requests(), more=st.data())
def test_the_fast_path_agrees_with_the_generated_classes_on_damaged_bytes(data: bytes, more: st.DataObject) -> None:
    broken = bytearray(data)
    for _ in range(more.draw(st.integers(1, 4))):
        at = more.draw(st.integers(0, len(broken)))
        width = more.draw(st.integers(0, 2))
        broken[at : at + width] = more.draw(st.sampled_from([b"", b"\x80", b"\xff"]) | st.binary(max_size=3))
    if more.draw(st.booleans()):
        del broken[more.draw(st.integers(0, len(broken))) :]
    assert outcome(decode_request, bytes(broken)) == outcome(predict._parse_request, bytes(broken))


@many_examples
@given(data=st.binary(max_size=60))
def test_random_bytes(data: bytes) -> None:
    assert outcome(decode_request, data) == outcome(predict._parse_request, data)


def request_of(tensor: bytes, name: bytes = b"x") -> bytes:
    return chunk(0x12, chunk(0x0A, name) + chunk(0x12, tensor))


FLOAT = b"\x08\x01"
SHAPE3 = shape_bytes([3])
PACKED1 = chunk(0x2A, struct.pack("<f", 1))
PACKED3 = chunk(0x2A, struct.pack("<3f", 1, 2, 3))
CONTENT3 = chunk(0x22, struct.pack("<3f", 4, 5, 6))
GOOD = request_of(FLOAT + SHAPE3 + PACKED3)
UNUSUAL = {
    "length padded to three bytes": b"\x12" + bytes((GOOD[1] | 0x80, 0x80, 0x00)) + GOOD[2:],
    "length padded to seven bytes": b"\x1a\x81\x80\x80\x80\x80\x80\x00y",
    "length beyond the end": b"\x12\x7f",
    "truncated length": b"\x12\xff\xff",
    "truncated dtype": request_of(SHAPE3 + PACKED3 + b"\x08") + b"\x01",
    "dtype above 32 bits": request_of(b"\x08" + varint((1 << 32) + 1) + SHAPE3 + PACKED3),
    "dtype twice": request_of(b"\x08\x02" + FLOAT + SHAPE3 + PACKED3),
    "shape in two parts": request_of(FLOAT + shape_bytes([1]) + SHAPE3 + PACKED3),
    "values in two parts": request_of(FLOAT + shape_bytes([6]) + PACKED3 + PACKED3),
    "float_val before tensor_content": request_of(FLOAT + SHAPE3 + PACKED3 + CONTENT3),
    "tensor_content before float_val": request_of(FLOAT + SHAPE3 + CONTENT3 + PACKED3),
    "tensor_content twice": request_of(FLOAT + SHAPE3 + chunk(0x22, b"") + CONTENT3),
    "tensor_content with an impossible shape": request_of(FLOAT + shape_bytes([1 << 62, 0]) + chunk(0x22, b"")),
    "tensor_content with 65 dimensions": request_of(FLOAT + shape_bytes([1] * 65) + chunk(0x22, b"1234")),
    "tensor_content with 50,000 dimensions": request_of(FLOAT + shape_bytes([1 << 30] * 50_000) + chunk(0x22, b"1234")),
    "half above 16 bits": request_of(b"\x08\x13" + chunk(0x6A, varint(1 << 20))),
    "the same input twice": GOOD + request_of(FLOAT + SHAPE3 + CONTENT3),
    "model spec in two parts": chunk(0x0A, chunk(0x0A, b"m")) + GOOD + chunk(0x0A, chunk(0x1A, b"s")),
    "unknown field": GOOD + chunk(0x22, b"y"),
    "name that is not UTF-8": request_of(FLOAT + SHAPE3 + PACKED3, b"\xff"),
    "output name that is not UTF-8": chunk(0x1A, b"\xc3"),
    "model name that is not UTF-8": chunk(0x0A, chunk(0x0A, b"\xc3")),
}


def test_a_common_request_takes_the_fast_path() -> None:
    assert comparable(predict._read_request(GOOD)) == comparable(predict._parse_request(GOOD))


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_the_fast_path_agrees_with_the_generated_classes_on_unusual_bytes(data: bytes) -> None:
    assert outcome(decode_request, data) == outcome(predict._parse_request, data)


@pytest.mark.parametrize("data", [b"\x12", b"\x0a\x05a", b"\xff", b"not a message", bytes(5)])
def test_malformed_requests(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_request(data)


def test_a_malformed_tensor_does_not_affect_the_others(predict_pb2: ModuleType) -> None:
    theirs = predict_pb2.PredictRequest(inputs={"good": {"dtype": 1, "float_val": [2.5]}, "bad": {"dtype": 99}})
    inputs = decode_request(theirs.SerializeToString()).inputs
    assert isinstance(inputs["bad"], TensorError)
    assert np.array_equal(inputs["good"], np.float32(2.5))


def test_a_missing_model_spec_differs_from_an_empty_model_spec(predict_pb2: ModuleType) -> None:
    empty = predict_pb2.PredictRequest(model_spec={}).SerializeToString()
    assert decode_request(b"").spec is None
    assert decode_request(empty).spec == ModelSpec("")


@pytest.mark.parametrize("as_content", [False, True], ids=["float_val", "tensor_content"])
def test_floats_are_not_copied(predict_pb2: ModuleType, as_content: bool) -> None:
    values = np.arange(6, dtype=np.float32)
    field = {"tensor_content": values.tobytes()} if as_content else {"float_val": values.tolist()}
    tensor = {"dtype": 1, "tensor_shape": {"dim": [{"size": 2}, {"size": 3}]}, **field}
    theirs = predict_pb2.PredictRequest(model_spec={"name": "m"}, inputs={"x": tensor}, output_filter=["y"])
    data = theirs.SerializeToString()
    array = decode_request(data).inputs["x"]
    assert np.array_equal(array, values.reshape(2, 3))
    assert np.shares_memory(array, np.frombuffer(data, np.uint8))


def short(count: int, values: bytes = PACKED3) -> bytes:
    return FLOAT + shape_bytes([count]) + values


@pytest.mark.parametrize("unknown_field", [b"", chunk(0x22, b"")], ids=["fast path", "generated classes"])
def test_the_fill_budget_of_a_request(unknown_field: bytes) -> None:
    """The request has many tensors with large shapes and few values."""
    count, each = 1000, tensor.MAX_FILLED_ELEMENTS // 4
    data = (
        unknown_field
        + b"".join(request_of(short(each, PACKED1), f"x{number}".encode()) for number in range(count))
        + GOOD
    )
    tracemalloc.start()
    try:
        inputs = decode_request(data).inputs
        assert tracemalloc.get_traced_memory()[1] < 10 << 20  # a tensor with a single value takes no memory
    finally:
        tracemalloc.stop()
    assert sum(not isinstance(value, TensorError) for name, value in inputs.items() if name != "x") == 4
    assert np.array_equal(inputs["x"], [1, 2, 3])


@pytest.mark.parametrize(
    "data",
    [
        b"".join(request_of(short(1 << 40), str(number).encode()) for number in range(2000)),
        b"".join(chunk(0x12, b"") for _ in range(20_000)),
        b"".join(chunk(0x1A, b"") for _ in range(20_000)),
        request_of(FLOAT + shape_bytes([1 << 62] * 5000)),
        request_of(FLOAT + shape_bytes([-1] * 5000)),
        chunk(0x0A, chunk(0x0A, b"m" * 100_000)) * 2,
    ],
    ids=["huge shapes", "empty inputs", "empty outputs", "many dimensions", "negative sizes", "long names"],
)
def test_memory_is_bounded_by_the_size_of_the_request(data: bytes) -> None:
    tracemalloc.start()
    try:
        decode_request(data)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(data) + (1 << 20)
    finally:
        tracemalloc.stop()


def test_short_specs_are_cached() -> None:
    def read(name: str) -> ModelSpec | None:
        return decode_request(chunk(0x0A, chunk(0x0A, name.encode()))).spec

    assert read("m") == ModelSpec("m") and read("m") is read("m")
    assert read("m" * 300) == ModelSpec("m" * 300) and read("m" * 300) is not read("m" * 300)


# === Encoding ===


def parsed(tf: ModuleType, tensors: Any) -> Any:
    return {name: tf.make_ndarray(proto) for name, proto in tensors.items()}


@many_examples
@given(spec=SPECS, outputs=INPUTS, as_content=st.booleans())
def test_official_clients_read_our_answers(
    tf: ModuleType, predict_pb2: ModuleType, spec: ModelSpec, outputs: Any, as_content: bool
) -> None:
    data = predict.encode_response(spec, outputs, as_content=as_content)
    theirs = predict_pb2.PredictResponse.FromString(data)
    assert comparable(PredictRequest(None, parsed(tf, theirs.outputs))) == comparable(PredictRequest(None, outputs))
    assert theirs.model_spec == predict_pb2.PredictRequest(model_spec=official_spec(spec)).model_spec
    if not as_content:
        assert not any(proto.tensor_content for proto in theirs.outputs.values())


@many_examples
@given(spec=SPECS, inputs=INPUTS, outputs=st.lists(NAMES, max_size=3).map(tuple))
def test_official_servers_read_our_requests(
    tf: ModuleType, predict_pb2: ModuleType, spec: ModelSpec, inputs: Any, outputs: tuple[str, ...]
) -> None:
    data = predict.encode_request(spec, inputs, outputs)
    theirs = predict_pb2.PredictRequest.FromString(data)
    assert comparable(PredictRequest(None, parsed(tf, theirs.inputs))) == comparable(PredictRequest(None, inputs))
    assert theirs.model_spec == predict_pb2.PredictRequest(model_spec=official_spec(spec)).model_spec
    assert tuple(theirs.output_filter) == outputs
    assert comparable(decode_request(data)) == comparable(PredictRequest(spec, inputs, outputs))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3), np.float32),
        np.float32(2),
        np.ones((2, 0)),
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.arange(6.0)[::-2],
        np.arange(3, dtype=">f4"),
    ],
    ids=["no rows", "scalar", "no columns", "transposed", "reversed", "big-endian"],
)
@pytest.mark.parametrize("as_content", [False, True])
def test_encoded_tensors(tf: ModuleType, predict_pb2: ModuleType, array: Any, as_content: bool) -> None:
    array = np.asarray(array)
    data = predict.encode_tensors({"before": np.ones(1), "x": array}, 0x0A, as_content=as_content)
    result = tf.make_ndarray(predict_pb2.PredictResponse.FromString(data).outputs["x"])
    assert (result.shape, result.tolist()) == (array.shape, array.tolist())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "m"}, ModelSpec("m")),
        ({"name": "m", "version": {"value": 0}}, ModelSpec("m", 0)),
        ({"name": "m", "version_label": ""}, ModelSpec("m", label="")),
        ({"signature_name": "encode"}, ModelSpec("", signature="encode")),
    ],
)
def test_model_spec(fields: dict[str, Any], expected: ModelSpec) -> None:
    message = messages.ModelSpec(**fields)
    assert predict.model_spec(message) == expected
    assert messages.ModelSpec.FromString(predict.encode_spec(expected)) == message
