"""`gallery forecast` sends time series in files to a running server and prints the forecasts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import files
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
    sources = [file for source in values.inputs for file in files.expand(source, SUFFIXES)]
    with files.connect(values) as client:
        for source in sources:
            (steps,) = client.forecast(values.name, read(source)[None])  # (horizon, features)
            for number, step in enumerate(steps, 1):
                print(f"{printable(source)}\t{number}\t" + "\t".join(f"{value:.6g}" for value in step))
    return 0


def read(source: Path) -> NDArray[Any]:
    """Reads a time series from a CSV or NPY file.

    The first line of a CSV file can contain the names of the columns. An array (time,) in an NPY file is a series with
    one feature.

    Returns:
        The series, float32 (time, features).

    Raises:
        GalleryError: the file contains something other than numbers, has rows of different lengths or is empty, or a
            CSV file is not in UTF-8.
    """
    import numpy as np

    if source.suffix.lower() == ".npy":
        series = files.load(source)
    else:
        try:
            text = source.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise GalleryError(f"Expected a CSV file in UTF-8: {source}. Received: {error}.") from None
        lines = [line.split(",") for line in text.splitlines() if line.strip()]
        try:
            series = np.array(lines[0 if _is_number(lines[0][0]) else 1 :], np.float32)
        except (ValueError, IndexError):
            raise GalleryError(f"{source} is not a table: each row must hold the same count of numbers.") from None
    series = series[:, None] if series.ndim == 1 else series
    if series.ndim != 2 or not series.size:
        raise GalleryError(f"Expected a series of shape (time, features) in {source}. Received: {series.shape}.")
    return series.astype(np.float32)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
