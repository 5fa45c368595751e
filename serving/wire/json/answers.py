"""The bodies of answers, laid out as TensorFlow Serving lays them out."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import InvalidArgument
from .. import dtypes
from . import floats as json_floats
from .writer import indent, quoted

Array = np.ndarray[Any, Any]


def predictions(arrays: Mapping[str, Array]) -> bytes:
    """The answer to a predict request in rows: a list with an element for each row.

    Args:
        arrays: the outputs by name, at least one.

    Raises:
        InvalidArgument: the outputs share no batch dimension, or JSON can't hold one of them.
    """
    batch: int | None = None
    for name, array in arrays.items():
        if array.ndim == 0:
            raise InvalidArgument(f"Tensor name: {name} has no shape information ")
        if batch is not None and len(array) != batch:
            raise InvalidArgument(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}")
        batch = len(array)
    if not batch:
        rows = b"[]"
    elif len(arrays) == 1:
        [(name, array)] = arrays.items()
        rows = _in_line(name, array, 1)[:-1] + b"\n    ]"
    else:
        columns = [
            [b"\n" + indent(3) + quoted(name.encode()) + b": " + row for row in _rows(name, array)]
            for name, array in arrays.items()
        ]
        objects = [b"{" + b",".join(row) + b"\n        }" for row in zip(*columns, strict=True)]
        rows = b"[\n        " + b",\n        ".join(objects) + b"\n    ]"
    return b'{\n    "predictions": ' + rows + b"\n}"


def outputs(arrays: Mapping[str, Array]) -> bytes:
    """The answer to a predict request in columns. Raises InvalidArgument for what JSON can't hold."""
    if len(arrays) == 1:
        [(name, array)] = arrays.items()
        content = _in_lines(name, array, 1)
    else:
        members = [
            b"\n        " + quoted(name.encode()) + b": " + _in_lines(name, array, 2) for name, array in arrays.items()
        ]
        content = b"{" + b",".join(members) + b"\n    }"
    return b'{\n    "outputs": ' + content + b"\n}"


def classifications(result: Any) -> bytes:
    """The answer to a classify request, from a `ClassificationResult`. Raises InvalidArgument for an empty one."""
    if not result.classifications:
        raise InvalidArgument("Cannot convert empty ClassificationResults to JSON")
    scores = [each.score for row in result.classifications for each in row.classes]
    texts = iter(_floats(scores))
    rows = [
        b"[" + b", ".join([b"[%b, %b]" % (quoted(_bytes(each.label)), next(texts)) for each in row.classes]) + b"]"
        for row in result.classifications
    ]
    return b'{\n    "results": [' + b", ".join(rows) + b"\n    ]\n}"


def regressions(result: Any) -> bytes:
    """The answer to a regress request, from a `RegressionResult`. Raises InvalidArgument for an empty one."""
    if not result.regressions:
        raise InvalidArgument("Cannot convert empty RegressionResults to JSON")
    values = _floats([each.value for each in result.regressions])
    return b'{\n    "results": [' + b", ".join(values) + b"]\n}"


def _floats(values: list[float]) -> list[bytes]:
    return json_floats.dumps(np.array(values, np.float32))[1:-1].split(b",")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


# === Tensors ===


def _in_line(name: str, array: Array, level: int) -> bytes:
    """Nested lists on one line, inside of `level` lists and objects."""
    if _is_text(array) or not array.size:
        return _nested(_leaves(name, array, level + array.ndim), array.shape, None)
    return _numbers(name, array).replace(b",", b", ")


def _rows(name: str, array: Array) -> list[bytes]:
    """As `_in_line`, for each element of the first dimension by itself, in an object in a list of the document."""
    depth = array.ndim
    if _is_text(array) or not array.size:
        leaves, size = _leaves(name, array, 2 + depth), math.prod(array.shape[1:])
        starts = range(0, len(array) * size, size) if size else [0] * len(array)
        return [_nested(leaves[at : at + size], array.shape[1:], None) for at in starts]
    between = b"]" * (depth - 1) + b", " + b"[" * (depth - 1)
    rows = _in_line(name, array, 3)[depth:-depth].split(between)
    return [b"[" * (depth - 1) + row + b"]" * (depth - 1) for row in rows]


def _in_lines(name: str, array: Array, level: int) -> bytes:
    """Nested lists with a line for each value, inside of `level` objects."""
    if _is_text(array) or not array.size:
        return _nested(_leaves(name, array, level + array.ndim), array.shape, level)
    text, depth = _numbers(name, array), array.ndim
    for ends in range(depth - 1, 0, -1):  # where the most lists end and begin first; each kind gets a mark
        text = text.replace(b"]" * ends + b"," + b"[" * ends, bytes([0x80 + ends]))
    text = text[depth : len(text) - depth].replace(b",", b",\n" + indent(level + depth))
    for ends in range(1, depth):
        closing, opening = _closing(level + depth, ends), _opening(level + depth - ends, ends)
        text = text.replace(bytes([0x80 + ends]), closing + b",\n" + indent(level + depth - ends) + opening)
    return _opening(level, depth) + text + _closing(level + depth, depth)


def _opening(level: int, count: int) -> bytes:
    return b"".join([b"[\n" + indent(level + n + 1) for n in range(count)])


def _closing(level: int, count: int) -> bytes:
    return b"".join([b"\n" + indent(level - n - 1) + b"]" for n in range(count)])


def _is_text(array: Array) -> bool:
    return bool(array.dtype.hasobject)


def _numbers(name: str, array: Array) -> bytes:
    """Nested lists of numbers or truth values, without blanks."""
    kind = dtypes.of_array(array).name
    if kind.startswith("complex"):
        raise InvalidArgument(f"Failed to write JSON value for tensor type: {kind}")
    if kind in ("half", "bfloat16"):  # TensorFlow Serving refuses these and uint16; there is no need to
        array = array.astype(np.float32)
    return json_floats.dumps(array) if array.dtype.kind == "f" else json_floats.write(array)


def _leaves(name: str, array: Array, level: int) -> list[bytes]:
    """The strings of an array, as text or, where the output's name asks for it, as `{"b64": …}`."""
    if not name.endswith("_bytes"):
        return [quoted(each) for each in array.ravel().tolist()]
    start, end = b'{\n%b"b64": "' % indent(level + 1), b'"\n%b}' % indent(level)
    return [start + base64.b64encode(each) + end for each in array.ravel().tolist()]


def _nested(texts: list[bytes], shape: tuple[int, ...], level: int | None) -> bytes:
    """Values in nested lists: on one line, or with a line for each inside of `level` objects."""
    for depth in range(len(shape) - 1, -1, -1):
        size, line = shape[depth], b"" if level is None else b"\n" + indent(level + depth)
        if size:
            between = b", " if level is None else b"," + line + b"    "
            start, end = (b"[", b"]") if level is None else (b"[" + line + b"    ", line + b"]")
            texts = [start + between.join(texts[at : at + size]) + end for at in range(0, len(texts), size)]
        else:
            texts = [b"[]"] * math.prod(shape[:depth])
    return texts[0]
