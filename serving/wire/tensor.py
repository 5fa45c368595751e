"""Converts between `TensorProto` and NumPy arrays of all data types. `predict.py` has a fast path for floats.

TensorFlow has `make_ndarray` and `make_tensor_proto` for this, but they import TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes, messages

Array = np.ndarray[Any, Any]

# If a message has fewer values than its shape, the last value is repeated. At most this many elements of a request are
# filled in, so that a request of a few bytes cannot allocate gigabytes.
MAX_FILLED_ELEMENTS = 1 << 22

# NumPy's limits: dimensions of an array, and elements of up to 16 bytes.
MAX_RANK = 64
MAX_ELEMENTS = 1 << 59


class TensorError(ValueError):
    """A malformed tensor: an unknown dtype, an impossible shape, or content of the wrong length."""


class FillBudget:
    """The number of elements of a request that may still be filled in."""

    __slots__ = ("elements",)

    def __init__(self) -> None:
        self.elements = MAX_FILLED_ELEMENTS


def shape_of(tensor_shape: Any) -> tuple[int, ...]:
    """Returns the shape in a `TensorShapeProto`. `unknown_rank` is ignored, as in TensorFlow.

    Raises:
        TensorError: a size is negative, or the shape is too large for a NumPy array.
    """
    shape = tuple(dim.size for dim in tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise TensorError(f"Expected sizes of at least 0. Received: shape={list(shape)}")
    if len(shape) > MAX_RANK or math.prod(filter(None, shape)) >= MAX_ELEMENTS:
        raise TensorError(f"The shape is too large: {len(shape)} dimensions, or over {MAX_ELEMENTS} elements.")
    return shape


def fill(values: Array, shape: tuple[int, ...], budget: FillBudget, empty: Any = 0) -> Array:
    """Reshapes flat values. Extra values are dropped. Missing ones repeat the last value, or are `empty`."""
    count = math.prod(shape)
    if values.size == count:
        return values.reshape(shape)
    if values.size > count:
        return values[:count].reshape(shape)
    if count > budget.elements:
        raise TensorError(f"Expected {count} values for shape {list(shape)}. Received: {values.size}")
    budget.elements -= count
    filled = np.empty(count, values.dtype)
    filled[: values.size] = values
    filled[values.size :] = values[-1] if values.size else empty
    return filled.reshape(shape)


def to_array(proto: Any, budget: FillBudget | None = None) -> Array:
    """Converts a `TensorProto` to an array.

    Strings become object arrays of `bytes`. The array may be read-only and share the memory of the message.

    Args:
        proto: the message.
        budget: shared by the tensors of a request. By default the tensor has a budget of its own.

    Raises:
        TensorError: the dtype is unknown, the shape is impossible, the content has the wrong length, or more values
            would have to be filled in than the budget allows (2²² for each request).
    """
    row = dtypes.BY_NUMBER.get(proto.dtype)
    if row is None:
        raise TensorError(f"Unknown dtype: {proto.dtype}.")
    shape = shape_of(proto.tensor_shape)
    if 0 in shape:
        return np.empty(shape, row.numpy)  # any values in the message are ignored
    if proto.tensor_content and row is dtypes.STRING:
        return _strings_from_content(proto.tensor_content, shape)
    if proto.tensor_content:
        if len(proto.tensor_content) != math.prod(shape) * row.numpy.itemsize:
            raise TensorError(
                f"Expected {math.prod(shape) * row.numpy.itemsize} bytes of content for shape {list(shape)}. "
                f"Received: {len(proto.tensor_content)}"
            )
        return np.frombuffer(proto.tensor_content, row.numpy).reshape(shape)
    values, budget = getattr(proto, row.field), budget or FillBudget()
    if row is dtypes.STRING:
        return fill(string_array(values), shape, budget, b"")
    if row.field == "half_val":
        return fill(np.array(values, np.uint16).view(row.numpy), shape, budget)
    if row.numpy.kind == "c":  # real and imaginary parts alternate
        parts = np.array(values, np.float32 if row.numpy.itemsize == 8 else np.float64)
        return fill(parts[: parts.size // 2 * 2].view(row.numpy), shape, budget)
    if row.numpy.itemsize < 4 and row.field == "int_val":  # sent as int32, of which the low bits count
        return fill(np.array(values, np.int32).astype(row.numpy), shape, budget)
    return fill(np.array(values, row.numpy), shape, budget)


def array_or_error(proto: Any, budget: FillBudget | None = None) -> Array | TensorError:
    """Converts a `TensorProto`, but returns an error instead of raising it: the tensor may not be needed."""
    try:
        return to_array(proto, budget)
    except TensorError as error:
        return error.with_traceback(None)  # its frames hold the message


def _strings_from_content(content: bytes, shape: tuple[int, ...]) -> Array:
    """Reads strings from `tensor_content`: all lengths as varints, then all bytes."""
    count = math.prod(shape)
    if count > len(content):
        raise TensorError(f"Expected {count} strings. Received: {len(content)} bytes of content")
    lengths, at = [], 0
    for _ in range(count):
        length, shift = 0, 0
        while True:
            if at >= len(content) or shift > 28:  # five bytes, as in TensorFlow
                raise TensorError("The content ends before the length of each string.")
            byte = content[at]
            at, length, shift = at + 1, length | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                break
        lengths.append(length)
    if at + sum(lengths) != len(content):
        raise TensorError(f"Expected {at + sum(lengths)} bytes of content. Received: {len(content)}")
    strings = []
    for length in lengths:
        strings.append(content[at : at + length])
        at += length
    return string_array(strings).reshape(shape)


def string_array(strings: Sequence[bytes]) -> Array:
    """Converts strings to an object array (n,). NumPy's own string dtype would drop zero bytes at the end."""
    array = np.empty(len(strings), object)
    array[:] = strings
    return array


def as_bytes(value: Any) -> bytes:
    """Returns the bytes of an element of a string array."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"Expected str or bytes. Received: {type(value).__name__}")


def from_array(array: Array, *, as_content: bool = False) -> Any:
    """Converts an array to a `TensorProto`, with values in the field of the dtype or in `tensor_content`."""
    row = dtypes.of_array(array)
    proto = messages.TensorProto(dtype=row.number)
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    if array.size == 0:
        return proto
    if row is dtypes.STRING:
        strings = [as_bytes(value) for value in array.ravel().tolist()]
        if as_content:
            proto.tensor_content = b"".join(map(varint, map(len, strings))) + b"".join(strings)
        else:
            proto.string_val.extend(strings)
        return proto
    array = np.ascontiguousarray(array, row.numpy)
    if as_content:
        proto.tensor_content = array.tobytes()
    elif row.field == "half_val":
        proto.half_val.extend(array.view(np.uint16).ravel().tolist())
    elif row.numpy.kind == "c":
        parts = array.view(np.float32 if row.numpy.itemsize == 8 else np.float64)
        getattr(proto, row.field).extend(parts.ravel().tolist())
    else:
        getattr(proto, row.field).extend(array.ravel().tolist())
    return proto


def varint(value: int) -> bytes:
    """Writes a value of at least 0 as a protocol buffer varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
