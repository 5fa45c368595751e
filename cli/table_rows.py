"""Reads the rows of a CSV, TSV or Parquet file as examples of a model."""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from .table_files import import_pyarrow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..serving.wire.signature import SignatureDef

Record = tuple[str, list[Any]]  # the place of a row in its file, such as "line 2", and its cells
Row = tuple[Any, str | None]  # the values of a row and None, or None and an error message
QUOTED = re.compile(r'"(?:[^"]|"")*"')
PARQUET_ROWS = 1024  # rows that are read at the same time


def read_table(file: Path, signature: SignatureDef | None, rows: SignatureDef | None) -> Iterator[Row]:
    """Yields the values of each row, or an error message for an invalid row.

    If the model has a signature with an input for each column (`rows`), the values are texts and numbers by column. The
    header must name these columns; further columns are ignored.

    Otherwise the values are an array of numbers, float32, in the shape of the signature's input. If the header has the
    columns `NAME_0`, `NAME_1` and so on, with the name of the input, these are the numbers. Otherwise all columns are.
    The header can then be missing. A Parquet file can have the numbers as lists in the column `NAME`.

    Columns of a CSV file are separated by commas, semicolons, tabs or vertical bars, whichever is most frequent in the
    first line. Between semicolons, numbers can have a decimal comma.

    Raises:
        GalleryError: the file is not a table in UTF-8, or lacks a column.
    """
    try:
        records = _parquet(file) if file.suffix.lower() == ".parquet" else _separated(file)
        place, header = next(records, ("", []))
        if not header:
            raise GalleryError(f"{file} is empty.")
        if rows is not None:
            yield from _columns(file, [str(cell).strip() for cell in header], records, rows)
        else:
            yield from _numbers(file, (place, header), records, signature)
    except (UnicodeDecodeError, csv.Error) as error:
        raise GalleryError(f"Expected a CSV file in UTF-8: {file}. Received: {error}.") from None


def count_rows(file: Path) -> int:
    """Returns about how many rows a table has. Lines within quotation marks count, too."""
    if file.suffix.lower() == ".parquet":
        return int(import_pyarrow()[1].read_metadata(file).num_rows)
    with file.open("rb") as opened:
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(1 << 20), b""))


def _separated(file: Path) -> Iterator[Record]:
    """Yields the records of a CSV or TSV file, and leaves out blank lines."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        first = QUOTED.sub("", next((line for line in opened if line.strip()), ""))
        separator = "\t" if file.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
        opened.seek(0)
        lines = csv.reader(opened, delimiter=separator)
        for cells in lines:
            if any(cells):
                place = f"line {lines.line_num}"
                yield place, [_with_point(cell) for cell in cells] if separator == ";" else cells


def _with_point(cell: str) -> str:
    """Returns a number with a decimal comma as a number with a decimal point, and other cells unchanged."""
    return cell.replace(",", ".") if re.fullmatch(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*", cell) else cell


def _parquet(file: Path) -> Iterator[Record]:
    """Yields the names of the columns, and the rows."""
    arrow, parquet = import_pyarrow()
    try:
        with parquet.ParquetFile(file) as opened:
            names = opened.schema_arrow.names
            yield "", names
            numbers = itertools.count(1)
            for batch in opened.iter_batches(PARQUET_ROWS):
                columns = [batch.column(place).to_pylist() for place in range(len(names))]
                for *cells, number in zip(*columns, numbers, strict=False):
                    yield f"row {number}", [each if isinstance(each, list) else _text(each) for each in cells]
    except (OSError, arrow.ArrowException) as error:
        line = str(error).partition("\n")[0]
        raise GalleryError(f"Expected a Parquet file: {file}. Received: {line}") from None


def _text(value: Any) -> str:
    """Returns a value as training reads it: whole numbers without a decimal point, and "" for a missing value."""
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _columns(file: Path, header: list[str], records: Iterator[Record], rows: SignatureDef) -> Iterator[Row]:
    """Yields the values of each row by column: texts, or numbers if the signature has a number for the column."""
    from ..serving.wire import dtypes

    places = {name: _place(file, header, name, list(rows.inputs)) for name in rows.inputs}
    least = max(places.values()) + 1
    numbers = [name for name, spec in rows.inputs.items() if spec.dtype is not dtypes.STRING]
    for where, cells in records:
        if len(cells) < least:
            yield None, f"{where}: Expected at least {least} columns. Received: {len(cells)}."
            continue
        values: dict[str, Any] = {name: str(cells[place]).strip() for name, place in places.items()}
        parsed = {name: _number(values[name]) for name in numbers}
        wrong = next((name for name, value in parsed.items() if value is None), None)
        yield (values | parsed, None) if wrong is None else (None, _no_number(where, wrong, values[wrong]))


def _place(file: Path, header: Sequence[str], name: str, names: Sequence[str]) -> int:
    """Returns the position of a column. Raises GalleryError if the column is missing or its name occurs twice."""
    count = header.count(name)
    if count != 1:
        problem = "has no column" if not count else f"has {count} columns named"
        raise GalleryError(f"{file} {problem} {name!r}. Columns of the model: {', '.join(names)}.")
    return header.index(name)


def _numbers(file: Path, first: Record, records: Iterator[Record], signature: SignatureDef | None) -> Iterator[Row]:
    """Yields the numbers of each row, in the shape of the signature's input."""
    _, header = first
    ((name, spec),) = signature.inputs.items() if signature and len(signature.inputs) == 1 else (("", None),)
    size = spec.shape[1:] if spec and spec.shape else (-1,)
    shape = size if min(size, default=1) > 0 else (-1,)
    titles = [str(cell).strip() for cell in header]
    named = [titles.index(each) for number in range(len(titles)) if (each := f"{name}_{number}") in titles]
    places: Sequence[int] = [titles.index(name)] if name in titles else named or range(len(titles))
    if name not in titles and -1 not in shape and len(places) != math.prod(shape):
        raise GalleryError(f"Expected {math.prod(shape)} columns of numbers in {file}. Received: {len(places)}.")
    has_header = name in titles or bool(named) or all(_number(cell) is None for cell in header)
    for where, cells in records if has_header else _chain(first, records):
        if len(cells) != len(header):
            yield None, f"{where}: Expected {len(header)} columns. Received: {len(cells)}."
            continue
        yield _array(where, [cells[place] for place in places], [titles[place] for place in places], shape, has_header)


def _array(where: str, cells: list[Any], titles: list[str], shape: Sequence[int], has_header: bool) -> Row:
    import numpy as np

    if len(cells) == 1 and isinstance(cells[0], list):
        values: NDArray[Any] = np.array([math.nan if each is None else each for each in cells[0]], np.float32).ravel()
        if -1 not in shape and values.size != math.prod(shape):
            return None, f"{where}, column {titles[0]!r}: Expected {math.prod(shape)} numbers. Received: {values.size}."
        return values.reshape(shape), None
    numbers = [_number(cell) for cell in cells]
    if None in numbers:
        place = numbers.index(None)
        return None, _no_number(where, titles[place] if has_header else place + 1, cells[place])
    return np.array(numbers, np.float32).reshape(shape), None


def _no_number(where: str, column: object, text: object) -> str:
    return f"{where}, column {column!r}: Expected a number. Received: {text!r:.80}."


def _chain(first: Record, records: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from records


def _number(cell: Any) -> float | None:
    """Returns the finite number in a cell, or None. As in training, 1_000 and the digits of other scripts are texts."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and "_" not in str(cell) and str(cell).strip().isascii() else None
