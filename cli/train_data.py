"""The options of commands that read a user's own data, such as `--data photos/`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..training.sources.source import Source

SEVERAL = {"target": "COLUMN", "ignore": "COLUMN", "value": "COLUMN"}  # options with one or more names


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a parser. `read` reads their values."""
    group = parser.add_argument_group("your own data (gallery show NAME says which data an architecture takes)")
    group.add_argument(
        "--data", metavar="PATH", help="a folder of pictures, or a file: CSV, TSV, Parquet, NPZ, NPY, TXT"
    )
    group.add_argument("--test", metavar="PATH", help="test examples (default: a part of --data)")
    group.add_argument("--test-share", type=float, metavar="SHARE", help="part of --data for tests (default: 0.2)")
    group.add_argument("--split", choices=("random", "stratified", "time"), help="how the parts are chosen")
    group.add_argument("--group", metavar="COLUMN", help="examples with the same value stay in the same part")
    group.add_argument("--target", nargs="+", metavar="COLUMN", help="tables: the column to predict, or several")
    group.add_argument("--ignore", nargs="+", metavar="COLUMN", help="tables: columns to leave out")
    group.add_argument("--missing", metavar="NAME", help="tables: category that stands for missing values")
    group.add_argument("--text", metavar="COLUMN", help="texts: the column of the texts (default: text)")
    group.add_argument("--label", metavar="COLUMN", help="texts: the column of the classes or answers (default: label)")
    group.add_argument("--time", metavar="COLUMN", help="series: the column of the times")
    group.add_argument("--value", nargs="+", metavar="COLUMN", help="series: the values (default: all numbers)")
    group.add_argument("--horizon", type=int, metavar="STEPS", help="series: number of steps to forecast")
    group.add_argument("--history", type=int, metavar="STEPS", help="series: number of known steps")
    group.add_argument("--size", type=_size, metavar="HEIGHTxWIDTH", help="pictures: their size, such as 64x64")
    group.add_argument("--channels", type=int, choices=(1, 3), help="pictures: 1 for grey, 3 for colour")
    group.add_argument("--fit", choices=("crop", "pad"), help="pictures: cut or fill pictures of other shapes")
    group.add_argument("--strict", action="store_true", default=None, help="pictures: stop at a broken picture")


def read(values: argparse.Namespace) -> Source | None:
    """Returns the data that the options describe, or None without `--data`.

    Raises:
        BadData: an option is out of range, or needs `--data`.
    """
    from ..training.errors import BadData
    from ..training.sources.source import OPTIONS, source_of

    given: dict[str, Any] = {name: value for name in OPTIONS if (value := getattr(values, name, None)) is not None}
    if values.data is None:
        if given:
            raise BadData(f"The option --{next(iter(given)).replace('_', '-')} needs --data.")
        return None
    return source_of(values.data, given)


def _size(text: str) -> tuple[int, int]:
    """Returns (height, width) of a text such as 64x64. A single number stands for both."""
    try:
        height, width = (int(part) for part in (text.lower().split("x") * 2)[:2])
        if height < 1 or width < 1 or text.lower().count("x") > 1:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"Expected a size such as 64x64. Received: {text}") from None
    return height, width
