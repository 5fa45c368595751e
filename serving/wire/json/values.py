"""JSON values ↔ what NumPy holds, for the client: parsing, strings and base64, numbers with NaN and infinities."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import numpy as np
import orjson

from ...errors import InvalidArgument
from ..tensor import MAX_RANK, string_array

Array = np.ndarray[Any, Any]


def loads(data: bytes) -> Any:
    """A JSON document; NaN, Infinity and -Infinity count as numbers. InvalidArgument for anything else."""
    if not data.strip():
        raise InvalidArgument("JSON Parse error: The document is empty")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass  # orjson knows no NaN
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        detail = f"{error.msg} at offset: {error.pos}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise InvalidArgument(f"JSON Parse error: {detail}") from None


def strings(value: Any) -> Array:
    """Nested lists of text, or of `{"b64": …}`, as an object array of bytes."""
    leaves: list[bytes] = []
    shape: list[int] = []

    def walk(item: Any, depth: int) -> None:
        if isinstance(item, list) and depth < MAX_RANK:
            if len(shape) == depth and not leaves:
                shape.append(len(item))
            elif depth >= len(shape) or shape[depth] != len(item):
                raise InvalidArgument("Encountered lists of different sizes or depths in a tensor")
            for inner in item:
                walk(inner, depth + 1)
        elif depth != len(shape):
            raise InvalidArgument("Encountered lists of different sizes or depths in a tensor")
        else:
            leaves.append(_string(item))

    walk(value, 0)
    return string_array(leaves).reshape(shape)


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    if isinstance(value, dict) and isinstance(value.get("b64"), str):
        try:
            return base64.b64decode(value["b64"] + "=" * (-len(value["b64"]) % 4), validate=True)
        except binascii.Error:
            raise InvalidArgument("Unable to base64 decode") from None
    raise InvalidArgument(f"Expected text or base64. Received: {type(value).__name__}")


def plain(name: str, array: Array) -> Any:
    """What JSON can hold: arrays of numbers as they are, strings as nested lists of text or `{"b64": …}`."""
    if array.dtype == np.object_:
        as_bytes = name.endswith("_bytes")

        def one(item: Any) -> Any:
            if isinstance(item, list):
                return [one(inner) for inner in item]
            return {"b64": base64.b64encode(item).decode()} if as_bytes else item.decode(errors="replace")

        return one(array.tolist())
    if array.dtype.kind == "c":
        raise InvalidArgument(f"Expected an output that JSON can hold. Received: {name} of dtype {array.dtype}")
    if array.dtype.itemsize == 2 and array.dtype.kind not in "iu":  # half, bfloat16
        array = array.astype(np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return json.loads(json.dumps(array.astype(np.float64).tolist()))
    return np.ascontiguousarray(array) if array.ndim else array[()]  # orjson takes no 0-d arrays


def dumps(value: Any) -> bytes:
    """JSON text; arrays of numbers as nested lists, NaN and infinities as Python and TensorFlow Serving write them."""
    if _has_nan(value):
        return json.dumps(value, default=lambda array: array.tolist(), ensure_ascii=False).encode()
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _has_nan(value: Any) -> bool:
    """Whether `plain` left numbers that orjson would write as null."""
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list):
        return any(map(_has_nan, value))
    return isinstance(value, float) and not np.isfinite(value)
