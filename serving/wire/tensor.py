"""Converts between `TensorProto` messages and NumPy arrays of all data types. `predict.py` has a fast path for floats.

TensorFlow's functions `make_ndarray` and `make_tensor_proto` are not used, because they import TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ResourceExhausted
from . import dtypes, messages

Array = np.ndarray[Any, Any]

# If a message has too few values for the shape, the last value is repeated. This limit is for the elements of all such
# tensors of a request together, so that a request of a few bytes cannot allocate gigabytes.
MAX_FILLED_ELEMENTS = 1 << 22
# A tensor with a single number takes no memory until the model runs. For other tensors, the last value may be repeated
# until the tensor has FREE_FILLED elements, or MAX_FILL_RATIO times the number of values if that is more.
FREE_FILLED, MAX_FILL_RATIO = 1 << 16, 16

# All strings of a request. Without this limit, a request of 20 MB could have ten million strings, and take gigabytes.
MAX_STRINGS = 1 << 21

# NumPy's limits on the number of dimensions of an array, and on the number of elements if each has 16 bytes.
MAX_RANK = 64
MAX_ELEMENTS = 1 << 59


# Elements that are converted at once. One call for millions of elements would stop all other threads until its end.
STEP = 1 << 16


class TensorError(ValueError):
    """A malformed tensor: an unknown dtype, an impossible shape, or content of the wrong length."""


def too_many_strings() -> ResourceExhausted:
    return ResourceExhausted(f"A request can have at most {MAX_STRINGS} strings.")


class FillBudget:
    """The limits for the tensors of one request together.

    Attributes:
        elements: the number of elements that are left for further tensors in which the last value is repeated.
        strings: the number of strings that are left.
    """

    __slots__ = ("elements", "strings")

    def __init__(self, strings: float = MAX_STRINGS) -> None:
        self.elements = MAX_FILLED_ELEMENTS
        self.strings = strings

    def take_strings(self, count: int) -> None:
        """Takes `count` strings. Raises ResourceExhausted if the request has more than `MAX_STRINGS` strings."""
        self.strings -= count
        if self.strings < 0:
            raise too_many_strings()


def shape_of(tensor_shape: Any) -> tuple[int, ...]:
    """Returns the shape in a `TensorShapeProto`. `unknown_rank` is ignored, as in TensorFlow.

    Raises the errors of `check_shape`.
    """
    shape = tuple(dim.size for dim in tensor_shape.dim)
    check_shape(shape)
    return shape


def check_shape(shape: Sequence[int]) -> None:
    """Raises TensorError if a size is negative, or the shape is too large for a NumPy array."""
    if any(size < 0 for size in shape):
        raise TensorError(f"Expected sizes of at least 0. Received: shape={list(shape)}")
    if len(shape) > MAX_RANK:
        raise TensorError(f"Expected at most {MAX_RANK} dimensions. Received: {len(shape)}")
    if math.prod(filter(None, shape)) >= MAX_ELEMENTS:
        raise TensorError(f"Expected fewer than {MAX_ELEMENTS} elements. Received: shape={list(shape)}")


def fill(values: Array, shape: tuple[int, ...], budget: FillBudget, empty: Any = 0) -> Array:
    """Reshapes flat values. Extra values are dropped. Missing values repeat the last value.

    If there are no values, all elements are `empty`. Raises TensorError if the budget is used up.
    """
    count = math.prod(shape)
    if values.size == count:
        return values.reshape(shape)
    if values.size > count:
        return values[:count].reshape(shape)
    is_single = values.size <= 1 and not values.dtype.hasobject
    most = budget.elements if is_single else min(budget.elements, max(FREE_FILLED, MAX_FILL_RATIO * values.size))
    if count > most:
        raise TensorError(f"Expected {count} values for shape {list(shape)}. Received: {values.size}")
    budget.elements -= count
    if is_single:
        value = values.reshape(()) if values.size else np.array(empty, values.dtype)
        return np.broadcast_to(value, shape)
    filled = np.empty(count, values.dtype)
    filled[: values.size] = values
    filled[values.size :] = values[-1] if values.size else empty
    return filled.reshape(shape)


def to_array(proto: Any, budget: FillBudget | None = None) -> Array:
    """Converts a `TensorProto` to an array.

    Strings become object arrays of `bytes`. The array can be read-only, and can share the memory of the message.

    Args:
        proto: the message.
        budget: the fill budget, shared by the tensors of a request. By default the tensor gets a new budget, and can
            have any number of strings.

    Raises:
        TensorError: the dtype is unknown, the shape is impossible, the content has the wrong length, or values are
            missing and the budget (2²² elements per request) is used up.
        ResourceExhausted: there are too many strings.
    """
    budget = budget or FillBudget(math.inf)
    row = dtypes.BY_NUMBER.get(proto.dtype)
    if row is None:
        raise TensorError(f"Unknown dtype: {proto.dtype}.")
    shape = shape_of(proto.tensor_shape)
    if 0 in shape:
        return np.empty(shape, row.numpy)  # any values in the message are ignored
    if proto.tensor_content and row is dtypes.STRING:
        budget.take_strings(min(math.prod(shape), len(proto.tensor_content)))
        return _strings_from_content(proto.tensor_content, shape)
    if proto.tensor_content:
        if len(proto.tensor_content) != math.prod(shape) * row.numpy.itemsize:
            raise TensorError(
                f"Expected {math.prod(shape) * row.numpy.itemsize} bytes of content for shape {list(shape)}. "
                f"Received: {len(proto.tensor_content)}"
            )
        return np.frombuffer(proto.tensor_content, row.numpy).reshape(shape)
    values = getattr(proto, row.field)
    if row is dtypes.STRING:
        budget.take_strings(len(values))
        return fill(string_array(values), shape, budget, b"")
    if row.field == "half_val":
        return fill(flat(values, np.int32).astype(np.uint16).view(row.numpy), shape, budget)
    if row.numpy.kind == "c":  # real and imaginary parts alternate
        parts = flat(values, np.float32 if row.numpy.itemsize == 8 else np.float64)
        return fill(parts[: parts.size // 2 * 2].view(row.numpy), shape, budget)
    if row.numpy.itemsize < 4 and row.field == "int_val":  # sent as int32; only the low bits count
        return fill(flat(values, np.int32).astype(row.numpy), shape, budget)
    return fill(flat(values, row.numpy), shape, budget)


def flat(values: Sequence[Any], dtype: Any) -> Array:
    """Converts the values of a `*_val` field, or any strings, to an array (n,)."""
    array = np.empty(len(values), dtype)
    for at in range(0, len(values), STEP):
        array[at : at + STEP] = values[at : at + STEP]
    return array


def array_or_error(proto: Any, budget: FillBudget | None = None) -> Array | TensorError:
    """Converts a `TensorProto`. Returns a TensorError instead of raising it: the model might not use the tensor."""
    try:
        return to_array(proto, budget)
    except TensorError as error:
        return error.with_traceback(None)  # the traceback would keep the message in memory


def _strings_from_content(content: bytes, shape: tuple[int, ...]) -> Array:
    """Reads strings from `tensor_content`: all lengths as varints, then all bytes."""
    count = math.prod(shape)
    if count > len(content):
        raise TensorError(f"Expected {count} strings. Received: {len(content)} bytes of content")
    lengths, at = [], 0
    for _ in range(count):
        length, shift = 0, 0
        while True:
            if at >= len(content) or shift > 28:  # at most five bytes, as in TensorFlow
                raise TensorError("The content has a truncated or malformed string length.")
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


def string_array(strings: Sequence[bytes], most: float = math.inf) -> Array:
    """Converts strings to an object array (n,). NumPy's dtype for bytes would drop zero bytes at the end.

    Raises ResourceExhausted if there are more than `most` strings.
    """
    if len(strings) > most:
        raise too_many_strings()
    return flat(strings, object)


def as_bytes(value: Any) -> bytes:
    """Converts an element of a string array to bytes. Raises TypeError if the element is not str or bytes."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"Expected str or bytes. Received: {type(value).__name__}")


def from_array(array: Array, *, as_content: bool = False) -> Any:
    """Converts an array to a `TensorProto`. Raises TypeError for an unsupported dtype.

    The values are in `tensor_content` if `as_content`, otherwise in the `*_val` field of the data type.
    """
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
            extend(proto.string_val, strings)
        return proto
    array = np.ascontiguousarray(array, row.numpy)
    if as_content:
        proto.tensor_content = array.tobytes()
    elif row.field == "half_val":
        extend(proto.half_val, array.view(np.uint16).ravel())
    elif row.numpy.kind == "c":
        parts = array.view(np.float32 if row.numpy.itemsize == 8 else np.float64)
        extend(getattr(proto, row.field), parts.ravel())
    else:
        extend(getattr(proto, row.field), array.ravel())
    return proto


def extend(field: Any, values: Any) -> None:
    """Appends a list of strings, or an array of numbers (n,), to a `*_val` field."""
    for at in range(0, len(values), STEP):
        part = values[at : at + STEP]
        field.extend(part if isinstance(part, list) else part.tolist())


def varint(value: int) -> bytes:
    """Writes a value of at least 0 as a protocol buffer varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
