"""Converts nested lists of JSON values to arrays, all values at once."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import InvalidArgument
from .. import dtypes
from ..tensor import MAX_RANK, MAX_STRINGS, string_array, too_many_strings
from .base64 import decoded
from .document import raw
from .steps import joined, lengths_of, parts, types_of

Array = np.ndarray[Any, Any]

_INT32 = -(1 << 31), (1 << 31) - 1
LIMITS = {  # the range that TensorFlow Serving accepts for each integer type; int8, int16 and uint8 keep the low bits
    "int8": _INT32,
    "int16": _INT32,
    "int32": _INT32,
    "uint8": _INT32,
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
}
_CODES = {
    "float": "d",
    "double": "d",
    **dict.fromkeys(LIMITS, "q"),
    "uint64": "Q",
}  # format characters of `struct`; each value has 8 bytes


def from_value(value: Any, dtype: dtypes.DataType) -> Array | None:
    """Converts a value or nested lists of values to an array.

    Returns:
        The array. None if the lists differ in length or depth, or a value does not fit the data type. `tensors.py` then
        raises the error.
    """
    flat: list[Any] = [value]
    shape: list[int] = []
    while flat and type(flat[0]) is list:
        if len(shape) == MAX_RANK or types_of(flat) != {list} or len(lengths := lengths_of(flat)) > 1:
            return None
        shape += lengths
        flat = joined(flat, shape[-1])
    return from_list(flat, shape, dtype)


def from_list(values: list[Any], shape: Sequence[int], dtype: dtypes.DataType) -> Array | None:
    """Converts values in one list to an array of the given shape. Returns None if a value does not fit the type."""
    if not values:
        return np.zeros(shape, dtype.numpy)
    if dtype.name == "string":
        if len(values) > MAX_STRINGS:
            raise too_many_strings()
        try:
            return string_array(list(map(to_bytes, values))).reshape(shape)
        except InvalidArgument:
            return None
    if dtype.name != "bool" and dtype.name not in _CODES:
        return None
    converted = []
    for part in parts(values):
        array = _numbers(part, dtype)
        if array is None:
            return None
        converted.append(array)
    return (converted[0] if len(converted) == 1 else np.concatenate(converted)).reshape(shape)


def _numbers(values: list[Any], dtype: dtypes.DataType) -> Array | None:
    """Converts numbers or booleans to an array (n,). Returns None if a value does not fit the type."""
    if dtype.name == "bool":
        return np.array(values, bool) if set(map(type, values)) == {bool} else None
    try:  # struct is twice as fast as NumPy, and raises an error for all values but numbers and booleans
        packed = struct.pack(f"{len(values)}{_CODES[dtype.name]}", *values)
    except (struct.error, OverflowError):
        return None
    array = np.frombuffer(packed, _CODES[dtype.name])
    if _has_boolean(values, array):
        return None
    least, most = LIMITS.get(dtype.name, (None, None))
    if least is not None and not (least <= array.min() and array.max() <= most):
        return None
    with np.errstate(over="ignore"):  # a double that is too large for a float becomes infinity
        return array.astype(dtype.numpy)


def to_bytes(value: Any) -> bytes:
    """Returns the bytes of a string or of `{"b64": …}`. Raises InvalidArgument for any other value."""
    return raw(value) if isinstance(value, str) else decoded(value)


def _has_boolean(values: list[Any], array: Array) -> bool:
    """Returns whether a value is a boolean. `array` holds the values as numbers, with booleans as 0 and 1."""
    suspects = np.flatnonzero((array == 0) | (array == 1)).tolist()
    if len(suspects) < len(values) // 4:
        return any(type(values[position]) is bool for position in suspects)
    types = list(map(type, values))
    return bool in (types[:1] if types.count(types[0]) == len(types) else set(types))  # counting is faster than a set
