"""`gallery forecast` sends time series in files to a running server and prints the forecasts."""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..models.errors import GalleryError
from ..preparation.description import Series
from ..serving.printable import printable
from . import arrays, files
from .command import Command
from .sending import TABLE_HELP, write_table
from .times import following

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..serving.wire.signature import SignatureDef

SUFFIXES = (".csv", ".npy")
DATE = re.compile(r"\d{4}-\d\d(-\d\d)?")


class History(NamedTuple):
    """The end of a series in a file.

    Attributes:
        values: the values of the steps, float32 (time, features).
        last: the time of the last step, as it is in the file. "" if it is not known.
    """

    values: NDArray[Any]
    last: str


def print_series(help: str, description: str, example: str) -> Command:
    """Returns a command that sends the time series in each file to a server and prints the forecast."""
    return Command(help, description, [example], _configure, _run)


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.add_inputs(parser, SUFFIXES)
    parser.add_argument("--output", type=Path, help=f"{TABLE_HELP} (default: print the forecasts)")
    files.add_bulk(parser)
    files.add_server(parser)


def _run(values: argparse.Namespace) -> int:
    sources = [(file,) for source in values.inputs for file in files.expand(source, SUFFIXES, values.output)]
    if values.output:
        return write_table(values, "forecast", lambda: [file for (file,) in sources])
    from .call import Call

    with files.connect(values) as client:
        series = known_series(Call(client, values.name, "forecast").signature)

        def handle(source: Path) -> None:
            history = read(source, series)
            (steps,) = client.forecast(values.name, history.values[None])  # (horizon, features)
            names = following(history.last, series.step if series else None, len(steps))
            for name, step in zip(names, steps, strict=True):
                print(f"{printable(source)}\t{printable(name)}\t" + "\t".join(f"{value:.6g}" for value in step))

        return files.for_each(sources, handle)


def known_series(signature: SignatureDef | None) -> Series | None:
    """Returns the series that a model was trained on. None if the signature does not say it."""
    notes = [spec.noted for spec in signature.inputs.values()] if signature else []
    return next((noted for noted in notes if isinstance(noted, Series)), None)


def read(source: Path, known: Series | None = None) -> History:
    """Reads the end of a time series from a CSV or NPY file: as many steps as the model's training examples had.

    The first line of a CSV file can contain the names of the columns. It is skipped if none of its values is a number.
    If it has the names of the series that the model was trained on, only these columns are read. If it also has the
    column of the time, with dates such as 1958-03-01 or numbers, the rows are sorted by time.

    An array (time,) in an NPY file is a series with one feature.

    Args:
        source: the file.
        known: the series that the model was trained on. None if it is not known; then all steps are returned.

    Raises:
        GalleryError: the file contains something other than numbers, has rows of different lengths or is empty, or a
            CSV file is not in UTF-8.
    """
    import numpy as np

    if source.suffix.lower() == ".npy":
        series, last = arrays.load(source), ""
    else:
        rows, last = _read_csv(source, known)
        series = np.array(rows, np.float32)
    series = series[:, None] if series.ndim == 1 else series
    if series.ndim != 2 or not series.size:
        raise GalleryError(f"Expected a series of shape (time, features) in {source}. Received: {series.shape}.")
    steps = known.history if known and known.history else len(series)
    return History(series[-steps:].astype(np.float32), last)


def _read_csv(source: Path, known: Series | None) -> tuple[list[list[float]], str]:
    """Returns the rows of numbers in a CSV file, and the time of the last row or "".

    Raises GalleryError with the number of the first invalid line.
    """
    rows: list[list[float]] = []
    times: list[str] = []
    columns: list[int] = []  # the columns to read; [] for all columns
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            separator = max(",;\t", key=file.readline().count)
            file.seek(0)
            lines = csv.reader(file, delimiter=separator)
            may_be_names = True
            time: int | None = None
            for cells in lines:
                values = [_number(cell) for cell in cells]
                place = f"{source}, line {lines.line_num}"
                if len(cells) < 2 and not "".join(cells).strip():
                    continue
                is_first, may_be_names = may_be_names, False
                if is_first and all(value is None for value in values):
                    columns, time = _places(known, [cell.strip() for cell in cells])
                    continue
                if columns:
                    if len(cells) <= max(*columns, time or 0):
                        raise GalleryError(f"{place}: Expected more columns. Received: {len(cells)}.")
                    times += [] if time is None else [cells[time].strip()]
                    cells, values = [cells[each] for each in columns], [values[each] for each in columns]
                if None in values:
                    raise GalleryError(f"{place}: Expected numbers. Received: {cells[values.index(None)]!r:.80}.")
                if rows and len(values) != len(rows[0]):
                    raise GalleryError(f"{place}: Expected {len(rows[0])} numbers. Received: {len(values)}.")
                rows.append([value for value in values if value is not None])
    except (UnicodeDecodeError, csv.Error) as error:
        raise GalleryError(f"Expected a CSV file in UTF-8: {source}. Received: {error}.") from None
    if not rows:
        raise GalleryError(f"{source} has no numbers.")
    if not times:
        return rows, ""
    order = _order(times)
    return [rows[each] for each in order], times[order[-1]]


def _places(series: Series | None, header: list[str]) -> tuple[list[int], int | None]:
    """Returns the columns of the series in a CSV file, and the column of the time.

    Returns no columns if the header lacks a column of the series.
    """
    if series is None or not {each.name for each in series.columns} <= set(header):
        return [], None
    return [header.index(each.name) for each in series.columns], (
        header.index(series.time) if series.time in header else None
    )


def _order(times: list[str]) -> list[int]:
    """Returns the order of the rows by time. Keeps the order if the times are neither numbers nor dates of ISO 8601."""
    numbers = [_number(time) for time in times]
    if None not in numbers:
        return sorted(range(len(times)), key=lambda row: numbers[row] or 0.0)
    is_date = all(DATE.match(time) for time in times)
    return sorted(range(len(times)), key=times.__getitem__) if is_date else list(range(len(times)))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
