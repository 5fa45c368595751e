"""Compares `tensor.py` with TensorFlow's Python functions and with `tf.io.parse_tensor`, which is written in C++."""

from __future__ import annotations

import math
import tracemalloc
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.errors import ResourceExhausted
from keras_gallery.serving.wire import dtypes, messages, tensor
from keras_gallery.serving.wire.dtypes import DATA_TYPES, DataType
from keras_gallery.serving.wire.tensor import TensorError, from_array, to_array

from .recorded import Recorded

every_dtype = pytest.mark.parametrize("row", DATA_TYPES, ids=lambda row: row.name)
every_shape = pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (0, 3), (2, 3), (2, 0, 2), (1, 2, 3, 2)], ids=str)
SEED = 7


def sample(row: DataType, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Returns an array of random values."""
    rng = np.random.default_rng(SEED)
    if row is dtypes.STRING:
        array = np.empty(shape, object)
        array[...] = b""
        for index in np.ndindex(shape):
            array[index] = rng.bytes(int(rng.integers(0, 200)))
        return array
    if row.numpy.kind == "b":
        return np.asarray(rng.integers(0, 2, shape)).astype(bool)
    if row.numpy.kind in "iu":
        return np.asarray(rng.integers(np.iinfo(row.numpy).min, np.iinfo(row.numpy).max, shape, row.numpy, True))
    real = rng.normal(0, 100, shape)
    return np.asarray(real + 1j * rng.normal(size=shape) if row.numpy.kind == "c" else real).astype(row.numpy)


def proto_of(row: DataType, shape: tuple[int, ...], **fields: Any) -> Any:
    proto = messages.TensorProto(dtype=row.number, **fields)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def row_of(name: str) -> DataType:
    return next(row for row in DATA_TYPES if row.name == name)


def as_official(proto: Any) -> Any:
    from tensorflow.core.framework import tensor_pb2

    return tensor_pb2.TensorProto.FromString(proto.SerializeToString())


def parsed(recorded: Recorded, proto: Any) -> np.ndarray[Any, Any]:
    """Returns the array that TensorFlow reads from a TensorProto."""
    array = recorded.parse_tensor(proto.SerializeToString(deterministic=True), proto.dtype)
    assert array is not None, "TensorFlow raises an error for this TensorProto"
    return array


def same(array: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    assert array.dtype == expected.dtype
    assert array.shape == expected.shape
    assert array.tolist() == expected.tolist()


@every_dtype
def test_data_types_equal_tensorflows(tf: ModuleType, row: DataType) -> None:
    from tensorflow.core.framework import tensor_pb2, types_pb2

    assert types_pb2.DataType.Name(row.number) == row.enum
    assert np.dtype(tf.dtypes.as_dtype(row.number).as_numpy_dtype) == row.numpy
    assert row.field in tensor_pb2.TensorProto.DESCRIPTOR.fields_by_name


@every_dtype
@every_shape
def test_protos_of_tensorflow(recorded: Recorded, row: DataType, shape: tuple[int, ...]) -> None:
    array = sample(row, shape)
    theirs = recorded.make_tensor_proto(array, row.number)
    same(to_array(messages.TensorProto.FromString(theirs)), array)


@every_dtype
@every_shape
@pytest.mark.parametrize("as_content", [False, True], ids=["values", "content"])
def test_tensorflow_reads_our_protos(
    recorded: Recorded, row: DataType, shape: tuple[int, ...], as_content: bool
) -> None:
    array = sample(row, shape)
    proto = from_array(array, as_content=as_content)
    fields = [field.name for field, _ in proto.ListFields() if field.name not in ("dtype", "tensor_shape")]
    assert fields == ([] if array.size == 0 else ["tensor_content" if as_content else row.field])
    same(to_array(proto), array)
    same(parsed(recorded, proto), array)


@every_dtype
@pytest.mark.parametrize("count", [0, 1, 2, 6, 7])
def test_missing_and_extra_values(recorded: Recorded, row: DataType, count: int) -> None:
    """If a shape (2, 3) has fewer than six values, the last value is repeated. Extra values are dropped.

    If there are no values, all elements are zero, or empty strings.
    """
    proto = from_array(sample(row, (count,)))
    proto.tensor_shape.CopyFrom(proto_of(row, (2, 3)).tensor_shape)
    same(to_array(proto), parsed(recorded, proto))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("float", {"int_val": [5]}),  # the values are in the field of another dtype
        ("string", {"float_val": [1.0]}),
        ("uint8", {"int_val": [256, -1, 300]}),  # the low bits count
        ("int8", {"int_val": [128, -129, 1000]}),
        ("uint16", {"int_val": [65536, -1, 70000]}),
        ("half", {"half_val": [15360, 65535 + 15361, -1024]}),
        ("bfloat16", {"half_val": [16256, 65536 + 16256, -128]}),
        ("complex64", {"scomplex_val": [1, 2, 3]}),  # the second value has no imaginary part
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_unusual_values(recorded: Recorded, name: str, fields: dict[str, Any]) -> None:
    row = row_of(name)
    proto = proto_of(row, (3,), **fields)
    same(to_array(proto), parsed(recorded, proto))


HUGE = 1 << 62
MALFORMED = {
    "negative size": ("float", (-1,), {"float_val": [1.0]}),
    "very negative size": ("float", (-(1 << 63), 2), {}),
    "two negative sizes": ("float", (-2, -3), {"float_val": [1.0] * 6}),
    "overflow": ("float", (1 << 32, 1 << 32), {"float_val": [1.0]}),
    "overflow to zero": ("float", (HUGE, 4), {}),
    "overflow and a size of zero": ("float", (HUGE, HUGE, 0), {}),
    "too large for NumPy and a size of zero": ("double", (HUGE, 0), {}),
    "far too large, one value": ("float", (1 << 40,), {"float_val": [1.0]}),
    "far too large, no value": ("double", (1 << 40,), {}),
    "far too large, strings": ("string", (1 << 40,), {"string_val": [b"a"]}),
    "far too large, halves": ("half", (1 << 40,), {"half_val": [1]}),
    "far too large, in content": ("float", (1 << 40,), {"tensor_content": b"1234"}),
    "far too many strings in content": ("string", (1 << 40,), {"tensor_content": b"\1a"}),
    "more dimensions than NumPy allows": ("float", (1,) * 65, {"float_val": [1.0]}),
    "very many large dimensions": ("float", (HUGE,) * 100_000, {"float_val": [1.0]}),
    "content too short": ("float", (2,), {"tensor_content": b"1234"}),
    "content too long": ("float", (), {"tensor_content": b"12345678"}),
    "content of half an element": ("int32", (1,), {"tensor_content": b"12345"}),
    "string cut short": ("string", (2,), {"tensor_content": b"\1\2ab"}),
    "string too long": ("string", (2,), {"tensor_content": b"\1\1abc"}),
    "string lengths cut short": ("string", (3,), {"tensor_content": b"\1\1\x80"}),
    "string length of six bytes": ("string", (1,), {"tensor_content": b"\x81" + b"\x80" * 4 + b"\0a"}),
    "string length of very many bytes": ("string", (1,), {"tensor_content": b"\x80" * 12 + b"\1"}),
}


@pytest.mark.parametrize(("name", "shape", "fields"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_tensors(name: str, shape: tuple[int, ...], fields: dict[str, Any]) -> None:
    proto = proto_of(row_of(name), shape, **fields)
    tracemalloc.start()
    try:
        with pytest.raises(TensorError, match=r"^(Expected .*Received: |The (shape|content) |Unknown dtype: )"):
            to_array(proto)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "wrong", [row for row in MALFORMED.values() if len(row[1]) <= 64], ids=lambda row: str(row)[:40]
)
def test_tensorflow_rejects_malformed_tensors(
    recorded: Recorded, wrong: tuple[str, tuple[int, ...], dict[str, Any]]
) -> None:
    """The test skips shapes that NumPy cannot hold, and shapes with far more elements than the message.

    TensorFlow accepts some of these shapes.
    """
    name, shape, fields = wrong
    if math.prod(filter(None, shape)) >= 1 << 40 and (0 in shape or not fields.get("tensor_content")):
        return
    data = proto_of(row_of(name), shape, **fields).SerializeToString(deterministic=True)
    assert recorded.parse_tensor(data, row_of(name).number) is None


@pytest.mark.parametrize("number", [0, 11, 16, 20, 21, 101, 999, -1])
def test_unknown_dtypes(number: int) -> None:
    with pytest.raises(TensorError, match=f"^Unknown dtype: {number}.$"):
        to_array(messages.TensorProto(dtype=number, float_val=[1.0]))


def test_the_fill_budget() -> None:
    def filled(count: int) -> Any:
        return to_array(proto_of(row_of("uint8"), (count,), int_val=[3]))

    assert filled(tensor.MAX_FILLED_ELEMENTS).sum() == 3 * tensor.MAX_FILLED_ELEMENTS
    with pytest.raises(TensorError):
        filled(tensor.MAX_FILLED_ELEMENTS + 1)


@pytest.mark.parametrize(("values", "most"), [([1, 2], tensor.FREE_FILLED), ([1] * 9000, 9000 * tensor.MAX_FILL_RATIO)])
def test_several_values_are_filled_less(values: list[int], most: int) -> None:
    """Unlike a single value, several values take memory for each repetition of the last value."""

    def filled(count: int) -> Any:
        return to_array(proto_of(row_of("uint8"), (count,), int_val=values))

    assert filled(most).tolist() == values + values[-1:] * (most - len(values))
    with pytest.raises(TensorError):
        filled(most + 1)


def test_a_single_string_is_filled_less() -> None:
    def filled(count: int) -> Any:
        return to_array(proto_of(row_of("string"), (count,), string_val=[b"a"]))

    assert set(filled(tensor.FREE_FILLED)) == {b"a"}
    with pytest.raises(TensorError):
        filled(tensor.FREE_FILLED + 1)


def test_the_tensors_of_a_request_share_the_budget() -> None:
    budget, half = tensor.FillBudget(), tensor.MAX_FILLED_ELEMENTS // 2
    proto = proto_of(row_of("uint8"), (half,), int_val=[3])
    full = proto_of(row_of("uint8"), (2,), int_val=[1, 2])
    assert to_array(proto, budget).size == to_array(proto, budget).size == half
    with pytest.raises(TensorError):
        to_array(proto_of(row_of("uint8"), (2,), int_val=[1]), budget)
    same(to_array(full, budget), np.array([1, 2], np.uint8))
    assert isinstance(tensor.array_or_error(proto, budget), TensorError)


LIKE_TENSORFLOW = {
    "unknown rank": ({"unknown_rank": True}, {"float_val": [2.5]}),
    "unknown rank and sizes": ({"unknown_rank": True, "dim": [{"size": 2}]}, {"float_val": [2.5]}),
    "content for an empty shape": ({"dim": [{"size": 0}, {"size": 3}]}, {"tensor_content": b"1234"}),
    "values for an empty shape": ({"dim": [{"size": 0}]}, {"float_val": [1.0]}),
    "content and values": ({"dim": [{"size": 1}]}, {"tensor_content": b"1234", "float_val": [1.0]}),
    "named sizes": ({"dim": [{"size": 2, "name": "rows"}]}, {"float_val": [1.0]}),
    "string content for an empty shape": ({"dim": [{"size": 0}]}, {"dtype": 7, "tensor_content": b"\xff"}),
    "string length padded to five bytes": (
        {"dim": [{"size": 1}]},
        {"dtype": 7, "tensor_content": b"\x81\x80\x80\x80\x00a"},
    ),
}


@pytest.mark.parametrize(("shape", "fields"), LIKE_TENSORFLOW.values(), ids=LIKE_TENSORFLOW)
def test_unusual_protos(recorded: Recorded, shape: dict[str, Any], fields: dict[str, Any]) -> None:
    proto = messages.TensorProto(tensor_shape=shape, **{"dtype": 1, **fields})
    same(to_array(proto), parsed(recorded, proto))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.arange(12, dtype=np.int64)[::-2],
        np.arange(3, dtype=">f4"),
        np.arange(3, dtype=">i8"),
    ],
    ids=["transposed", "reversed", "big-endian float", "big-endian int64"],
)
@pytest.mark.parametrize("as_content", [False, True], ids=["values", "content"])
def test_memory_layout_does_not_matter(tf: ModuleType, array: np.ndarray[Any, Any], as_content: bool) -> None:
    theirs = tf.make_ndarray(as_official(from_array(array, as_content=as_content)))
    same(theirs, array.astype(array.dtype.newbyteorder("=")))


@pytest.mark.parametrize("array", [np.array(["a", "žluť"]), np.array([b"a", b"bc"]), np.array(["a", b"\xff"], object)])
def test_text_arrays_are_strings(tf: ModuleType, array: np.ndarray[Any, Any]) -> None:
    expected = [text.encode() if isinstance(text, str) else text for text in array.tolist()]
    assert tf.make_ndarray(as_official(from_array(array))).tolist() == expected


def test_unsupported_arrays() -> None:
    with pytest.raises(TypeError, match="^Unsupported dtype: datetime64"):
        from_array(np.array(["2020-01-01"], "datetime64[D]"))
    with pytest.raises(TypeError, match="Expected str or bytes. Received: int"):
        from_array(np.array(["a", 1], object))


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 16383, 16384, (1 << 64) - 1])
def test_varint(value: int) -> None:
    proto = messages.TensorProto(uint64_val=[value])
    packed = tensor.varint(value)
    assert proto.SerializeToString().endswith(bytes((len(packed),)) + packed)


# === Many elements ===


@pytest.mark.parametrize("count", [0, tensor.STEP - 1, tensor.STEP, 2 * tensor.STEP + 1])
def test_arrays_are_converted_in_steps(count: int) -> None:
    numbers = np.arange(count, dtype=np.int64)
    strings = tensor.string_array([b"%d" % number for number in range(count)])
    for array in (numbers, strings):
        message = tensor.from_array(array)
        same(to_array(message), array)


def test_a_request_has_a_limited_number_of_strings() -> None:
    row = row_of("string")
    messages = [
        proto_of(row, (3,), string_val=[b"", b"a", b"b"]),
        proto_of(row, (3,), tensor_content=b"\0\1\1ab"),
    ]
    for message in messages:
        budget = tensor.FillBudget(5)
        assert len(to_array(message, budget)) == 3
        with pytest.raises(ResourceExhausted, match="A request can have at most 2097152 strings"):
            tensor.array_or_error(message, budget)
