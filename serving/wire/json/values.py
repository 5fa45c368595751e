"""Reads and writes the JSON of the client: documents, arrays of strings, and numbers with NaN and infinity."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import numpy as np
import orjson
import rapidjson

from ...errors import InvalidArgument
from ..tensor import MAX_RANK, MAX_STRINGS, as_bytes, string_array

Array = np.ndarray[Any, Any]


def loads(data: bytes) -> Any:
    """Reads a JSON document. NaN, Infinity and -Infinity are numbers. Raises InvalidArgument for malformed JSON."""
    try:
        return rapidjson.loads(data, number_mode=rapidjson.NM_NATIVE | rapidjson.NM_NAN)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"JSON Parse error: {error}") from None


def strings(value: Any) -> Array:
    """Converts nested lists of strings, or of `{"b64": …}`, to an object array of bytes.

    Raises InvalidArgument if the lists differ in length or depth, or if a value is of another type.
    """
    leaves: list[bytes] = []
    shape: list[int] = []

    def walk(item: Any, depth: int) -> None:
        if isinstance(item, list) and depth < MAX_RANK:
            if len(shape) == depth and not leaves:
                shape.append(len(item))
            elif depth >= len(shape) or shape[depth] != len(item):
                raise InvalidArgument("The lists of an array differ in length or depth.")
            for inner in item:
                walk(inner, depth + 1)
        elif depth != len(shape):
            raise InvalidArgument("The lists of an array differ in length or depth.")
        else:
            leaves.append(_string(item))

    walk(value, 0)
    return string_array(leaves, MAX_STRINGS).reshape(shape)


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and isinstance(value.get("b64"), str):
        try:
            return base64.b64decode(value["b64"] + "=" * (-len(value["b64"]) % 4), validate=True)
        except binascii.Error:
            raise InvalidArgument("Unable to base64 decode") from None
    raise InvalidArgument(f"Expected a string or base64. Received: {value!r:.80}")


def plain(array: Array) -> Any:
    """Returns an array as a value for `dumps`, with strings as `{"b64": …}`.

    Raises InvalidArgument for complex numbers.
    """
    if array.dtype.kind in "OSUT":
        return _base64(array.tolist())
    if array.dtype.kind == "c":
        raise InvalidArgument(f"JSON cannot hold complex numbers (dtype {array.dtype}). Use gRPC.")
    if array.dtype.itemsize == 2 and array.dtype.kind not in "iu":  # half, bfloat16
        array = array.astype(np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return array.tolist()
    return np.ascontiguousarray(array) if array.ndim else array[()]  # orjson does not write 0-dimensional arrays


def _base64(value: Any) -> Any:
    if isinstance(value, list):
        return [_base64(each) for each in value]
    return {"b64": base64.b64encode(as_bytes(value)).decode()}


def dumps(value: Any) -> bytes:
    """Writes JSON. Arrays of numbers become nested lists. NaN and infinity become `NaN` and `Infinity`."""
    if _has_nan(value):  # orjson would write NaN and infinity as null
        return rapidjson.dumps(value, default=lambda array: array.tolist(), ensure_ascii=False).encode()
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _has_nan(value: Any) -> bool:
    """Returns whether a value has NaN or infinity outside of arrays. `plain` converts arrays with NaN to lists."""
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list):
        return any(map(_has_nan, value))
    return isinstance(value, float) and not math.isfinite(value)
