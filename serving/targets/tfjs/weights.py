"""TensorFlow.js's form of arrays: their bytes one after the other, and a manifest of names, shapes and dtypes.

Little-endian; a truth value takes a byte, a string its length as uint32 and its UTF-8. A weight of a manifest may be
quantized: stored as uint8 or uint16 with a `scale` and a `min`, or as float16.
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
_MOST = 3e38  # a float32
_INT32 = np.iinfo(np.int32)


def encode(arrays: Mapping[str, np.ndarray[Any, Any]]) -> tuple[list[dict[str, Any]], bytes]:
    """The manifest's entries, and the bytes.

    float64 becomes float32. Raises InvalidArgument for integers beyond 32 bits and complex numbers.
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
    if kind in "fV":  # ml_dtypes' own are V
        return "float32", array.astype("<f4").tobytes()
    raise InvalidArgument(
        f"Expected values of at most 32 bits, as TensorFlow.js has them. Received: {array.dtype} in {name!r}"
    )


def size_of(spec: Mapping[str, Any]) -> int:
    """How many bytes the numbers of a manifest's entry take. Raises InvalidArgument for what is no such entry."""
    name, shape, stored = spec.get("name"), spec.get("shape"), _stored(spec)
    if not isinstance(name, str) or not isinstance(shape, list) or stored is None:
        raise InvalidArgument(f"Expected a weight's name, shape and dtype. Received: {str(spec)[:200]}")
    if len(shape) > 32 or not all(type(size) is int and 0 <= size < 1 << 31 for size in shape):
        raise InvalidArgument(f"Expected the sizes of weight {name!r}. Received: {str(shape)[:100]}")
    return math.prod(shape) * stored.itemsize


def decode(specs: Sequence[Mapping[str, Any]], data: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """The arrays in `data` with their names, after `size_of` each entry was found there; strings as objects (bytes)."""
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
            assert stored is not None, "size_of was asked"
            values = np.frombuffer(data, stored, math.prod(shape), at).reshape(shape)
            at += values.nbytes
            yield spec["name"], _restored(values, spec)


def _stored(spec: Mapping[str, Any]) -> np.dtype[Any] | None:
    """The dtype in the file; None for one that TensorFlow.js does not know."""
    quantization = spec.get("quantization")
    if quantization is None:
        return _DTYPES.get(str(spec.get("dtype")))
    if not isinstance(quantization, dict) or spec.get("dtype") not in ("float32", "int32"):
        return None
    stored = _QUANTIZED.get(str(quantization.get("dtype")))
    if stored is not None and stored.kind == "u":
        numbers = (quantization.get("scale"), quantization.get("min"))
        if not all(isinstance(number, int | float) and abs(number) < _MOST for number in numbers):
            return None
    return stored


def _restored(values: np.ndarray[Any, Any], spec: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    dtype, quantization = _DTYPES[spec["dtype"]], spec.get("quantization")
    if quantization and values.dtype.kind == "u":
        values = values * np.float64(quantization["scale"]) + quantization["min"]
        values = values if dtype.kind == "f" else np.floor(values + 0.5)  # as Math.round of JavaScript does
    return values.astype(dtype)
