"""Reads and writes TensorFlow.js's weight format: the bytes of the arrays, and a manifest of names, shapes and dtypes.

Numbers are little-endian. A boolean has one byte. A string has its length as uint32, then its UTF-8 bytes. Weights can
be quantized: stored as uint8 or uint16 with a `scale` and a `min`, or as float16.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import InvalidArgument

Arrays = dict[str, np.ndarray[Any, Any]]

_DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "bool": np.dtype("?"),
    "uint8": np.dtype("u1"),
}
_QUANTIZED: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "uint16": np.dtype("<u2"), "float16": np.dtype("<f2")}
_LENGTH = np.dtype("<u4")
_MAX = 3e38  # about the largest float32
_INT32 = np.iinfo(np.int32)


def encode(arrays: Mapping[str, np.ndarray[Any, Any]]) -> tuple[list[dict[str, Any]], bytes]:
    """Encodes arrays by name. Returns the manifest's entries and the bytes.

    float64 becomes float32. Raises InvalidArgument for integers that need more than 32 bits, and for complex numbers.
    """
    specs, parts = [], []
    for name, array in arrays.items():
        dtype, content = _content(name, array)
        specs.append({"name": name, "shape": list(array.shape), "dtype": dtype})
        parts.append(content)
    return specs, b"".join(parts)


def _content(name: str, array: np.ndarray[Any, Any]) -> tuple[str, bytes]:
    kind = array.dtype.kind
    if kind in "OSU":
        texts = [each.encode() if isinstance(each, str) else bytes(each) for each in array.ravel().tolist()]
        return "string", b"".join(np.array(len(text), _LENGTH).tobytes() + text for text in texts)
    if kind == "b":
        return "bool", array.tobytes()
    if kind in "iu" and (not array.size or _INT32.min <= array.min() <= array.max() <= _INT32.max):
        return "int32", array.astype("<i4").tobytes()
    if kind in "fV":  # V: dtypes of ml_dtypes
        return "float32", array.astype("<f4").tobytes()
    raise InvalidArgument(f"Expected values of at most 32 bits, for TensorFlow.js. Received: {array.dtype} in {name!r}")


def size_of(spec: Mapping[str, Any]) -> int:
    """Returns the size of a manifest entry's array in bytes. Raises InvalidArgument for an invalid entry."""
    name, shape, stored = spec.get("name"), spec.get("shape"), _stored(spec)
    if not isinstance(name, str) or not isinstance(shape, list) or stored is None:
        raise InvalidArgument(f"Expected a weight's name, shape and dtype. Received: {str(spec)[:200]}")
    if len(shape) > 32 or not all(type(size) is int and 0 <= size < 1 << 31 for size in shape):
        raise InvalidArgument(f"Invalid shape of weight {name!r}: {str(shape)[:100]}")
    return math.prod(shape) * stored.itemsize


def decode(specs: Sequence[Mapping[str, Any]], data: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yields the names and arrays in `data`. Strings are object arrays of bytes.

    The entries must be valid. For an untrusted file, call `size_of` on each entry first, and compare the sum of the
    sizes with the length of `data`.
    """
    at = 0
    for spec in specs:
        shape = tuple(spec["shape"])
        if spec["dtype"] == "string":
            texts = []
            for _ in range(math.prod(shape)):
                length = int(np.frombuffer(data, _LENGTH, 1, at)[0])
                texts.append(data[at + _LENGTH.itemsize : at + _LENGTH.itemsize + length])
                at += _LENGTH.itemsize + length
            yield spec["name"], np.array(texts, object).reshape(shape)
        else:
            stored = _stored(spec)
            assert stored is not None, "size_of checks the entry"
            values = np.frombuffer(data, stored, math.prod(shape), at).reshape(shape)
            at += values.nbytes
            yield spec["name"], _dequantize(values, spec)


def _stored(spec: Mapping[str, Any]) -> np.dtype[Any] | None:
    """Returns the dtype of a weight in the file, or None if TensorFlow.js does not know it."""
    quantization = spec.get("quantization")
    if quantization is None:
        return _DTYPES.get(str(spec.get("dtype")))
    if not isinstance(quantization, dict) or spec.get("dtype") not in ("float32", "int32"):
        return None
    stored = _QUANTIZED.get(str(quantization.get("dtype")))
    if stored is not None and stored.kind == "u":
        numbers = (quantization.get("scale"), quantization.get("min"))
        if not all(isinstance(number, int | float) and abs(number) < _MAX for number in numbers):
            return None
    return stored


def _dequantize(values: np.ndarray[Any, Any], spec: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    dtype, quantization = _DTYPES[spec["dtype"]], spec.get("quantization")
    if quantization and values.dtype.kind == "u":
        values = values * np.float64(quantization["scale"]) + quantization["min"]
        values = values if dtype.kind == "f" else np.floor(values + 0.5)  # rounds as Math.round in JavaScript
    return values.astype(dtype)
