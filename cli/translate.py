"""`gallery translate`: what a model writes for each text, from a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import texts

HELP = "translate texts through a running server; prints text and translation"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    texts.configure(parser, "text")


def run(values: argparse.Namespace) -> int:
    return texts.run(values, "translate")
