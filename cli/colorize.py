"""`gallery colorize`: grey pictures in, colour ones out, through a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import files

HELP = "colour grey pictures (PNG, JPEG, NPY or a folder of them) through a running server; files of the same kind out"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.configure(parser)


def run(values: argparse.Namespace) -> int:
    return files.run(values, "colorize")
