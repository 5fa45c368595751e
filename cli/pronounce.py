"""`gallery pronounce`: the sounds of words, from a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import texts

HELP = "tell the sounds of words through a running server; prints word and sounds"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    texts.configure(parser, "word")


def run(values: argparse.Namespace) -> int:
    return texts.run(values, "pronounce")
