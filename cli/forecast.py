"""`gallery forecast`: the next steps of series, from a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from . import files

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELP = "forecast series (CSV or NPY, a row for each step) through a running server; prints file, step and values"
KINDS = (".csv", ".npy")


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.add_inputs(parser, "CSV or NPY")
    files.add_server(parser)


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client

    sources = [file for source in values.inputs for file in files.expand(source, KINDS)]
    with Client(values.server, timeout=values.timeout) as client:
        for source in sources:
            (steps,) = client.forecast(values.name, read(source)[None])  # (horizon, features)
            for number, step in enumerate(steps, 1):
                print(f"{source}\t{number}\t" + "\t".join(f"{value:.6g}" for value in step))
    return 0


def read(source: Path) -> NDArray[Any]:
    """A series (time, features), float32; the first line of a CSV file may name its columns."""
    import numpy as np

    if source.suffix.lower() == ".npy":
        series = files.load(source)
    else:
        lines = [line.split(",") for line in source.read_text("utf-8-sig").splitlines() if line.strip()]
        try:
            series = np.array(lines[0 if _is_number(lines[0][0]) else 1 :], np.float32)
        except (ValueError, IndexError):
            raise GalleryError(f"Expected rows of as many numbers in {source}. Received: something else.") from None
    series = series[:, None] if series.ndim == 1 else series
    if series.ndim != 2 or not series.size:
        raise GalleryError(f"Expected a series (time, features) in {source}. Received: {series.shape}.")
    return series.astype(np.float32)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
