"""Reads nested lists of numbers as one list, without a Python object for each list.

Without this module, reading images of shape (28, 28, 1), whose innermost lists hold one number each, takes four times
as long. orjson reads the numbers, because orjson is faster than RapidJSON. The two libraries may round a number
differently in the last bits. orjson also reads a few numbers that RapidJSON rejects as too big, such as 0e400.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from ...errors import InvalidArgument
from .document import Object
from .reader import loads as read

_SAMPLE = 1024  # bytes after the first bracket
_SHORT = 6  # if fewer lists end in the sample, the lists are long, and reading them as a grid is not faster
_MOST_DIMENSIONS = 8
_NO_BRACKETS = bytes(0x20 if letter in b"[]" else letter for letter in range(256))
_IN_NUMBERS = b"0123456789+-.eE"
_SPACE = b" \t\r\n"
_PIECE = 1 << 18  # bytes that are read at once, so that other threads can run between two pieces
_ZEROS = bytes(ord("0") if letter in _IN_NUMBERS else letter for letter in range(256))


@dataclass(slots=True)
class Grid:
    """Nested lists of numbers, flattened. All lists of a level have the same length.

    Attributes:
        numbers: all numbers in order, each an int or a float.
        shape: the lengths of the nested lists, outermost first.
    """

    numbers: list[Any]
    shape: list[int]


def loads(data: bytes) -> tuple[Any, Grid | None]:
    """Reads a JSON document. If its only list is a list of short lists of numbers, reads this list as a `Grid`.

    Returns:
        The document and the grid, or the document and None. If there is a grid, the document has an empty list in place
        of the grid: as the value of `instances`, of `inputs`, or of a member of `inputs`.

    Raises:
        InvalidArgument: the document is malformed, see `reader.loads`.
    """
    start = data.find(b"[")
    if start < 0 or data.count(b"]", start, start + _SAMPLE) < _SHORT:
        return read(data), None
    end = data.rfind(b"]") + 1
    try:
        if grid := _grid(data[start:end]):
            document = read(data[:start] + b"[]" + data[end:])
            if isinstance(document, Object) and [] in _candidates(document):
                return document, grid
    except InvalidArgument:  # the error has a wrong offset; the last line raises the correct error
        pass
    return read(data), None


def _candidates(document: Object) -> list[Any]:
    inputs = document.find("inputs")
    named = [value for _, value in inputs.members] if isinstance(inputs, Object) else []
    return [document.find("instances"), inputs, *named]


def _grid(text: bytes) -> Grid | None:
    """Reads `[[…], …]`. Returns None if a value is not a number, or if the lists of a level differ in length."""
    if b'"' in text:
        return None
    structure = b"".join(piece.translate(_ZEROS, _SPACE) for piece in _pieces(text))
    if _has_outer_number(structure):
        return None
    structure = b"".join(piece.translate(None, b"0") for piece in _pieces(structure))
    depth = len(structure) - len(structure.lstrip(b"["))
    if depth > _MOST_DIMENSIONS:
        return None
    shape: list[int] = []
    unit, before = b"", 1  # brackets and commas of an inner list, and the count of its numbers
    for level in range(1, depth + 1):
        end = structure.find(b"]" * level)
        count, rest = divmod(structure.count(b",", 0, max(end, 0)) + 1, before)
        if end < 0 or rest:
            return None
        unit = b"[" + ((unit + b",") * count)[:-1] + b"]"
        shape.insert(0, count)
        before *= count
    if structure != unit:
        return None
    try:
        numbers = _numbers(text)
    except orjson.JSONDecodeError:  # for example, an empty list, NaN or a malformed number
        return None
    return Grid(numbers, shape) if len(numbers) == before else None


def _pieces(text: bytes) -> Iterator[bytes]:
    return (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))


def _numbers(text: bytes) -> list[Any]:
    """Reads the numbers between brackets and commas. A comma at the end does not count."""
    numbers: list[Any] = []
    at = 0
    while at < len(text):
        end = text.find(b",", at + _PIECE)
        if end < 0:
            end = len(text)
        numbers += orjson.loads(b"[" + text[at:end].translate(_NO_BRACKETS) + b"]")
        at = end + 1
    return numbers


def _has_outer_number(structure: bytes) -> bool:
    """Returns whether a number, written as zeros, stands before an opening bracket or after a closing bracket.

    Such a number is not in an innermost list. This is five times as fast as searching for "0[" and "]0".
    """
    letters = np.frombuffer(structure, np.uint8)
    opening, closing = np.flatnonzero(letters == ord("[")), np.flatnonzero(letters == ord("]"))
    return bool((letters[opening[1:] - 1] == ord("0")).any() or (letters[closing[:-1] + 1] == ord("0")).any())
