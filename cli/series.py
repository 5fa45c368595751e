"""`gallery forecast` sends time series in files to a running server and prints the forecasts."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import arrays, files
from .command import Command

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = (".csv", ".npy")


def print_series(help: str, description: str, example: str) -> Command:
    """Returns a command that sends the time series in each file to a server and prints the forecast."""
    return Command(help, description, [example], _configure, _run)


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.add_inputs(parser, SUFFIXES)
    files.add_server(parser)


def _run(values: argparse.Namespace) -> int:
    sources = [(file,) for source in values.inputs for file in files.expand(source, SUFFIXES)]
    with files.connect(values) as client:

        def handle(source: Path) -> None:
            (steps,) = client.forecast(values.name, read(source)[None])  # (horizon, features)
            for number, step in enumerate(steps, 1):
                print(f"{printable(source)}\t{number}\t" + "\t".join(f"{value:.6g}" for value in step))

        return files.for_each(sources, handle)


def read(source: Path) -> NDArray[Any]:
    """Reads a time series from a CSV or NPY file.

    The first line of a CSV file can contain the names of the columns. It is skipped if none of its values is a number.
    An array (time,) in an NPY file is a series with one feature.

    Returns:
        The series, float32 (time, features).

    Raises:
        GalleryError: the file contains something other than numbers, has rows of different lengths or is empty, or a
            CSV file is not in UTF-8.
    """
    import numpy as np

    series = arrays.load(source) if source.suffix.lower() == ".npy" else np.array(_read_csv(source), np.float32)
    series = series[:, None] if series.ndim == 1 else series
    if series.ndim != 2 or not series.size:
        raise GalleryError(f"Expected a series of shape (time, features) in {source}. Received: {series.shape}.")
    return series.astype(np.float32)


def _read_csv(source: Path) -> list[list[float]]:
    """Returns the rows of numbers in a CSV file. Raises GalleryError with the number of the first invalid line."""
    rows: list[list[float]] = []
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            may_be_names = True
            for cells in lines:
                values = [_number(cell) for cell in cells]
                place = f"{source}, line {lines.line_num}"
                if len(cells) < 2 and not "".join(cells).strip():
                    continue
                is_first, may_be_names = may_be_names, False
                if is_first and all(value is None for value in values):
                    continue
                if None in values:
                    raise GalleryError(f"{place}: Expected numbers. Received: {cells[values.index(None)]!r:.80}.")
                if rows and len(values) != len(rows[0]):
                    raise GalleryError(f"{place}: Expected {len(rows[0])} numbers. Received: {len(values)}.")
                rows.append([value for value in values if value is not None])
    except (UnicodeDecodeError, csv.Error) as error:
        raise GalleryError(f"Expected a CSV file in UTF-8: {source}. Received: {error}.") from None
    if not rows:
        raise GalleryError(f"{source} has no numbers.")
    return rows


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
