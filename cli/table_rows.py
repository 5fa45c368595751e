"""Reads the rows of a CSV or TSV file as examples of a model."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError

if TYPE_CHECKING:
    from ..serving.wire.signature import SignatureDef


def read_table(
    file: Path, signature: SignatureDef | None, rows: SignatureDef | None
) -> Iterator[tuple[Any, str | None]]:
    """Yields the values of each row and None, or None and an error message for an invalid row.

    If the model has a signature with an input for each column (`rows`), the values are texts and numbers by column. The
    header must name these columns; further columns are ignored.

    Otherwise the values are an array of numbers, float32, in the shape of the signature's input. If the header has the
    columns `NAME_0`, `NAME_1` and so on, with the name of the input, these are the numbers. Otherwise all columns are.
    The header can then be missing.

    Raises:
        GalleryError: the file is not a table in UTF-8, or lacks a column.
    """
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = csv.reader(opened, delimiter=delimiter)
            header = next((cells for cells in lines if any(cells)), None)
            if header is None:
                raise GalleryError(f"{file} is empty.")
            header = [cell.strip() for cell in header]
            if rows is not None:
                yield from _columns(lines, _places(file, header, list(rows.inputs)), rows)
            else:
                yield from _numbers(file, lines, header, signature)
    except (UnicodeDecodeError, csv.Error) as error:
        raise GalleryError(f"Expected a CSV file in UTF-8: {file}. Received: {error}.") from None


def _places(file: Path, header: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Returns the position of each column. Raises GalleryError if a column is missing or its name occurs twice."""
    places = {}
    for name in names:
        count = header.count(name)
        if count != 1:
            problem = "has no column" if not count else f"has {count} columns named"
            raise GalleryError(f"{file} {problem} {name!r}. Columns of the model: {', '.join(names)}.")
        places[name] = header.index(name)
    return places


def _columns(lines: Any, places: dict[str, int], rows: SignatureDef) -> Iterator[tuple[Any, str | None]]:
    """Yields the values of each row by column: texts, or numbers if the signature has a number for the column."""
    from ..serving.wire import dtypes

    least = max(places.values()) + 1
    numbers = [name for name, spec in rows.inputs.items() if spec.dtype is not dtypes.STRING]
    for cells in lines:
        if not any(cells):
            continue
        if len(cells) < least:
            yield None, f"line {lines.line_num}: Expected at least {least} columns. Received: {len(cells)}."
            continue
        values: dict[str, Any] = {name: cells[place].strip() for name, place in places.items()}
        parsed = {name: _number(values[name]) for name in numbers}
        wrong = next((name for name, value in parsed.items() if value is None), None)
        if wrong is None:
            yield values | parsed, None
        else:
            yield None, _no_number(lines.line_num, f"column {wrong!r}", values[wrong])


def _numbers(
    file: Path, lines: Any, header: list[str], signature: SignatureDef | None
) -> Iterator[tuple[Any, str | None]]:
    """Yields the numbers of each row, in the shape of the signature's input."""
    import math

    import numpy as np

    ((name, spec),) = signature.inputs.items() if signature and len(signature.inputs) == 1 else (("", None),)
    size = spec.shape[1:] if spec and spec.shape else None
    places: Sequence[int] = range(len(header))
    named = [f"{name}_{number}" for number in range(len(header))]
    found = [header.index(each) for each in named if each in header]
    if found:
        places = found
    if size is not None and min(size, default=1) > 0 and len(places) != math.prod(size):
        count = math.prod(size)
        raise GalleryError(f"Expected {count} columns of numbers in {file}. Received: {len(places)}.")
    shape = size if size is not None and min(size, default=1) > 0 else (len(places),)
    has_header = bool(found) or all(_number(cell) is None for cell in header)
    for cells in lines if has_header else _chain(header, lines):
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield None, f"line {lines.line_num}: Expected {len(header)} columns. Received: {len(cells)}."
            continue
        values = [_number(cells[place]) for place in places]
        if None in values:
            place = places[values.index(None)]
            column = f"column {header[place]!r}" if has_header else f"column {place + 1}"
            yield None, _no_number(lines.line_num, column, cells[place])
            continue
        yield np.array(values, np.float32).reshape(shape), None


def _no_number(line: int, column: str, text: str) -> str:
    return f"line {line}, {column}: Expected a number. Received: {text!r:.80}."


def _chain(first: list[str], lines: Any) -> Iterator[list[str]]:
    yield first
    yield from lines


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
