"""`TensorProto` ↔ NumPy, through the generated message classes. All data types; `predict.py` has the short cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes, messages

Array = np.ndarray[Any, Any]

# A short list of values is filled up with its last one. What the sender did not send is filled up to this many
# elements of a request only, so that a few bytes cannot ask for gigabytes.
MAX_FILLED_ELEMENTS = 1 << 22

# NumPy's limits: sizes of an array, and elements of up to 16 bytes.
MAX_RANK = 64
MAX_ELEMENTS = 1 << 59


class TensorError(ValueError):
    """The message is not a tensor: unknown dtype, impossible shape, or content of another length."""


class Room:
    """How many elements of a request may still be filled up."""

    __slots__ = ("elements",)

    def __init__(self) -> None:
        self.elements = MAX_FILLED_ELEMENTS


def shape_of(tensor_shape: Any) -> tuple[int, ...]:
    """The shape in a `TensorShapeProto`, whose word that the rank be unknown TensorFlow does not heed either.

    Raises:
        TensorError: for a negative size, or a shape that no NumPy array can have (its zeros left out).
    """
    shape = tuple(dim.size for dim in tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise TensorError(f"Expected sizes of 0 and more. Received: shape={list(shape)}")
    if len(shape) > MAX_RANK or math.prod(filter(None, shape)) >= MAX_ELEMENTS:
        raise TensorError(f"Expected a shape that an array can have. Received: {len(shape)} sizes")
    return shape


def fill(values: Array, shape: tuple[int, ...], room: Room, empty: Any = 0) -> Array:
    """`values` (flat) in `shape`: too many are cut, too few repeat the last (or `empty`)."""
    count = math.prod(shape)
    if values.size == count:
        return values.reshape(shape)
    if values.size > count:
        return values[:count].reshape(shape)
    if count > room.elements:
        raise TensorError(f"Expected {count} values for shape {list(shape)}. Received: {values.size}")
    room.elements -= count
    filled = np.empty(count, values.dtype)
    filled[: values.size] = values
    filled[values.size :] = values[-1] if values.size else empty
    return filled.reshape(shape)


def to_array(proto: Any, room: Room | None = None) -> Array:
    """The array in a `TensorProto`.

    Strings come as object arrays of `bytes`. The array may be read-only and share the message's memory.

    Args:
        proto: the message.
        room: what the tensors of one request share; by default the message has all of it.

    Raises:
        TensorError: for an unknown dtype, an impossible shape, content of another length, or a shape that names
            more values than the message holds and there is room for (2²² a request).
    """
    row = dtypes.BY_NUMBER.get(proto.dtype)
    if row is None:
        raise TensorError(f"Expected a known dtype. Received: {proto.dtype}")
    shape = shape_of(proto.tensor_shape)
    if 0 in shape:
        return np.empty(shape, row.numpy)  # whatever the message holds
    if proto.tensor_content and row is dtypes.STRING:
        return _strings_from_content(proto.tensor_content, shape)
    if proto.tensor_content:
        if len(proto.tensor_content) != math.prod(shape) * row.numpy.itemsize:
            raise TensorError(
                f"Expected {math.prod(shape) * row.numpy.itemsize} bytes of content for shape {list(shape)}. "
                f"Received: {len(proto.tensor_content)}"
            )
        return np.frombuffer(proto.tensor_content, row.numpy).reshape(shape)
    values, room = getattr(proto, row.field), room or Room()
    if row is dtypes.STRING:
        return fill(string_array(values), shape, room, b"")
    if row.field == "half_val":
        return fill(np.array(values, np.uint16).view(row.numpy), shape, room)
    if row.numpy.kind == "c":  # real and imaginary parts by turns
        parts = np.array(values, np.float32 if row.numpy.itemsize == 8 else np.float64)
        return fill(parts[: parts.size // 2 * 2].view(row.numpy), shape, room)
    if row.numpy.itemsize < 4 and row.field == "int_val":  # sent as int32; the low bits count
        return fill(np.array(values, np.int32).astype(row.numpy), shape, room)
    return fill(np.array(values, row.numpy), shape, room)


def array_or_error(proto: Any, room: Room | None = None) -> Array | TensorError:
    """As `to_array`, but the error is for the reader to raise, if the tensor is wanted at all."""
    try:
        return to_array(proto, room)
    except TensorError as error:
        return error.with_traceback(None)  # whose frames hold the message


def _strings_from_content(content: bytes, shape: tuple[int, ...]) -> Array:
    """Strings in `tensor_content`: all lengths as varints, then all bytes."""
    count = math.prod(shape)
    if count > len(content):
        raise TensorError(f"Expected {count} strings. Received: {len(content)} bytes of content")
    lengths, at = [], 0
    for _ in range(count):
        length, shift = 0, 0
        while True:
            if at >= len(content) or shift > 28:  # five bytes, as in TensorFlow
                raise TensorError("Expected the length of each string. Received: content cut short")
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
    """Strings as an object array (n,): NumPy's own kind would cut zero bytes at their ends."""
    array = np.empty(len(strings), object)
    array[:] = strings
    return array


def as_bytes(value: Any) -> bytes:
    """One element of a string array."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"Expected str or bytes. Received: {type(value).__name__}")


def from_array(array: Array, *, as_content: bool = False) -> Any:
    """A `TensorProto` that holds `array`, in the dtype's own field or, `as_content`, in `tensor_content`."""
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
    """`value` (0 and more) as a protocol buffer varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
