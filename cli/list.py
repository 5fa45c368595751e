"""`gallery list`: the architectures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..models.registry import describe, list_models

HELP = "list the architectures"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("pattern", nargs="?", default="*", help='only names that match, such as "*auto*"')


def run(values: argparse.Namespace) -> int:
    names = list_models(values.pattern)
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:{width}}  {describe(name).summary}")
    return 0
