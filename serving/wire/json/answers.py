"""Writes the JSON bodies of predict, classify and regress answers.

orjson writes the NumPy arrays. It writes each float with the fewest digits that read back to the same float, and NaN
and infinity as null. This module replaces each null with `NaN` or `Infinity`, as TensorFlow Serving writes them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import orjson

from ...errors import InvalidArgument
from .. import dtypes
from .writer import quoted

Array = np.ndarray[Any, Any]

_NULL = re.compile(rb"null")
_STEP = 1 << 14  # elements that are written at once


def predictions(arrays: Mapping[str, Array]) -> bytes:
    """Writes the answer to a predict request in the row form, a list with an element for each row of the batch.

    Args:
        arrays: the outputs by name, at least one.

    Raises:
        InvalidArgument: the outputs do not share a batch dimension, or an output is complex.
    """
    batch: int | None = None
    for name, array in arrays.items():
        if array.ndim == 0:
            raise InvalidArgument(f"Tensor name: {name} has no shape information ")
        if batch is not None and len(array) != batch:
            raise InvalidArgument(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}")
        batch = len(array)
    if len(arrays) == 1:
        [(name, array)] = arrays.items()
        return _body("predictions", _values(name, array))
    return _body("predictions", _list(map(_objects, _slices(arrays, batch or 0))))


def _slices(arrays: Mapping[str, Array], rows: int) -> Iterator[dict[str, Array]]:
    """Returns the rows of all arrays in parts of up to `_STEP` elements, or of one row."""
    size = sum(array.size for array in arrays.values()) // max(rows, 1)
    step = max(_STEP // max(size, 1), 1)
    for at in range(0, rows, step):
        yield {name: array[at : at + step] for name, array in arrays.items()}


def _objects(arrays: Mapping[str, Array]) -> bytes:
    """Writes an object with the values of all arrays for each row, with commas between the objects."""
    columns = [[_member(name, row) for row in _rows(name, array)] for name, array in arrays.items()]
    return b",".join([_object(row) for row in zip(*columns, strict=True)])


def outputs(arrays: Mapping[str, Array]) -> bytes:
    """Writes the answer to a predict request in the columnar form. Raises InvalidArgument for complex outputs."""
    if len(arrays) == 1:
        [(name, array)] = arrays.items()
        return _body("outputs", _values(name, array))
    return _body("outputs", _object(_member(name, _values(name, array)) for name, array in arrays.items()))


def classifications(result: Any) -> bytes:
    """Writes a `ClassificationResult` as the answer to a classify request. Raises InvalidArgument if it is empty."""
    if not result.classifications:
        raise InvalidArgument("Cannot convert empty ClassificationResults to JSON")
    scores = iter(_floats([each.score for row in result.classifications for each in row.classes]))
    rows = (
        _list(_list((quoted(_bytes(each.label)), next(scores))) for each in row.classes)
        for row in result.classifications
    )
    return _body("results", _list(rows))


def regressions(result: Any) -> bytes:
    """Writes a `RegressionResult` as the answer to a regress request. Raises InvalidArgument if it is empty."""
    if not result.regressions:
        raise InvalidArgument("Cannot convert empty RegressionResults to JSON")
    return _body("results", _list(_floats([each.value for each in result.regressions])))


def _body(name: str, content: bytes) -> bytes:
    return b'{\n    "%b": %b\n}' % (name.encode(), content)


def _member(name: str, value: bytes) -> bytes:
    return quoted(name.encode()) + b": " + value


def _object(members: Iterable[bytes]) -> bytes:
    return b"{" + b",".join(members) + b"}"


def _list(values: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(values) + b"]"


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _floats(values: list[float]) -> list[bytes]:
    return _rows("", np.array(values, np.float32))


# === Arrays ===


def numbers(array: Array) -> bytes:
    """Writes an array of numbers or booleans as nested lists. Raises InvalidArgument for complex numbers."""
    return _values("", array)


def _values(name: str, array: Array) -> bytes:
    """Writes an array as nested lists. Strings become base64 if `name` ends with `_bytes`."""
    if array.size > _STEP:
        return _in_parts(name, array)
    if not array.dtype.hasobject:
        return _numbers(array)
    values: list[bytes] = array.ravel().tolist()
    try:
        leaves = [{"b64": base64.b64encode(v).decode()} if name.endswith("_bytes") else v.decode() for v in values]
    except UnicodeDecodeError:
        return _quoted(array.tolist())
    return orjson.dumps(np.array(leaves, object).reshape(array.shape).tolist())


def _in_parts(name: str, array: Array) -> bytes:
    """Writes a large array in parts, so that other threads can run in between."""
    if len(array) == 1:
        return b"[" + _values(name, array[0]) + b"]"
    step = max(_STEP * len(array) // array.size, 1)
    return _list(_values(name, array[at : at + step])[1:-1] for at in range(0, len(array), step))


def _rows(name: str, array: Array) -> list[bytes]:
    """Writes each element of the first dimension of an array."""
    if array.dtype.hasobject or not array.size:
        return [_values(name, np.asarray(row, array.dtype)) for row in array]
    inner = array.ndim - 1
    between = b"]" * inner + b"," + b"[" * inner
    return [b"[" * inner + row + b"]" * inner for row in _numbers(array)[1 + inner : -1 - inner].split(between)]


def _quoted(value: Any) -> bytes:
    """Writes nested lists of strings. The strings are bytes, which are not always UTF-8."""
    return _list(map(_quoted, value)) if isinstance(value, list) else quoted(value)


def _numbers(array: Array) -> bytes:
    dtype = dtypes.of_array(array).name
    if dtype.startswith("complex"):
        raise InvalidArgument(f"Failed to write JSON value for tensor type: {dtype}")
    if dtype in ("half", "bfloat16"):  # TensorFlow Serving returns an error for half, bfloat16 and uint16
        array = array.astype(np.float32)
    content = np.ascontiguousarray(array) if array.ndim else array[()]  # orjson does not write 0-dimensional arrays
    text = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        values = iter(array[~finite].tolist())
        return _NULL.sub(lambda _: _NOT_FINITE[str(next(values))], text)
    return text


_NOT_FINITE = {"nan": b"NaN", "inf": b"Infinity", "-inf": b"-Infinity"}
