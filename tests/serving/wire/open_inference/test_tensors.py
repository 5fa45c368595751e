"""Compares the raw bytes of tensors with those of tritonclient (recorded) and NumPy."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument, ResourceExhausted
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.open_inference import tensors
from keras_gallery.serving.wire.open_inference.tensors import DATA_TYPES, Header, from_raw, raw_bytes
from keras_gallery.serving.wire.signature import TensorSpec
from keras_gallery.serving.wire.tensor import FillBudget

SHAPES = st.lists(st.integers(0, 4), max_size=4)
NUMERIC = [name for name in DATA_TYPES if name not in ("BYTES", "BOOL")]


def read(datatype: str, shape: list[int], data: bytes) -> np.ndarray:
    return from_raw(Header.of("x", datatype, shape), memoryview(data), FillBudget())


def test_every_data_type_of_the_protocol_has_its_dtype() -> None:
    expected = {f"{kind.upper()}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
    expected |= {"BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64", "BYTES": "object"}
    found = {name: row.numpy.name for name, row in DATA_TYPES.items()}
    assert found == expected | {"BF16": np.dtype(ml_dtypes.bfloat16).name}


@given(st.sampled_from(NUMERIC), SHAPES, st.data())
def test_numbers(datatype: str, shape: list[int], data: st.DataObject) -> None:
    size = int(np.prod(shape)) * DATA_TYPES[datatype].numpy.itemsize
    content = data.draw(st.binary(min_size=size, max_size=size))
    array = read(datatype, shape, content)
    assert array.dtype == DATA_TYPES[datatype].numpy and array.shape == tuple(shape)
    assert array.tobytes() == content == bytes(raw_bytes(array))
    with pytest.raises(InvalidArgument, match=rf"Expected {size} bytes for {datatype} .*Received: {size + 1}$"):
        read(datatype, shape, content + b"\0")


def test_booleans_are_0_and_1() -> None:
    array = read("BOOL", [4], b"\0\1\2\xff")
    assert array.tolist() == [False, True, True, True]
    assert array.view(np.uint8).tolist() == [0, 1, 1, 1]


@given(st.lists(st.binary(max_size=5), max_size=8))
def test_strings(values: list[bytes]) -> None:
    array = np.array([*values, None], object)[:-1]
    content = bytes(raw_bytes(array))
    assert content == b"".join(len(each).to_bytes(4, "little") + each for each in values)
    assert read("BYTES", [1, len(values)], content).tolist() == [values]


def test_views_that_are_not_contiguous() -> None:
    array = np.arange(6, dtype=np.int32).reshape(2, 3).T
    assert bytes(raw_bytes(array)) == np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize(
    ("count", "content", "problem"),
    [
        (2, b"\1\0\0\0a", "Expected 2 strings. Received: 5 bytes"),
        (1, b"\2\0\0\0a", "Expected 1 strings, each after"),
        (1, b"\1\0\0\0ab", "Expected 1 strings, each after"),
        (2, b"\4\0\0\0abcd", "Expected 2 strings, each after"),
        (1, b"\xff\xff\xff\xff", "Expected 1 strings, each after"),
        (0, b"\0", "Expected 0 strings, each after"),
        (1 << 40, b"\0" * 8, "Received: 8 bytes"),
    ],
)
def test_malformed_strings(count: int, content: bytes, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        read("BYTES", [count], content)


def test_too_many_strings_of_all_inputs_together() -> None:
    budget, header = FillBudget(3), Header.of("x", "BYTES", [2])
    from_raw(header, memoryview(bytes(8)), budget)
    with pytest.raises(ResourceExhausted):
        from_raw(header, memoryview(bytes(8)), budget)


@pytest.mark.parametrize(
    ("datatype", "shape", "problem"),
    [
        ("FLOAT", [1], "Expected a datatype of BOOL, UINT8, .*Received: 'FLOAT'"),
        ("FP32", [-1], "Expected sizes of at least 0"),
        ("FP32", [1] * 65, "Expected at most 64 dimensions"),
        ("FP32", [1 << 40, 1 << 40], "Expected fewer than"),
        ("INT8", [0, 1 << 62], "Expected fewer than"),
    ],
)
def test_impossible_headers(datatype: str, shape: list[int], problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        Header.of("x", datatype, shape)


def test_a_large_shape_takes_no_memory() -> None:
    with pytest.raises(InvalidArgument, match="Received: 4$"):
        read("FP32", [1 << 50], b"\0\0\0\0")


def test_complex_numbers_have_no_data_type() -> None:
    spec = TensorSpec("x:0", dtypes.of_array(np.zeros(1, np.complex64)), None)
    assert tensors.data_type(spec) == "COMPLEX64"
    with pytest.raises(InvalidArgument, match="Output 'y': the Open Inference Protocol has no data type for complex64"):
        tensors.data_type_of("y", np.zeros(1, np.complex64))
