"""`gallery nearest`: what lies near words or categories, from a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import texts

HELP = "find the words, or categories, most similar to given ones; prints word, neighbour and similarity"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    texts.configure(parser, "word")
    parser.add_argument("--count", type=int, default=10, help="neighbours of each word, 1 to 1024 (default: 10)")
    parser.add_argument("--field", help="what the categories are of, for a model of categories")


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client

    words = texts.read(values)
    with Client(values.server, timeout=values.timeout) as client:
        found = client.nearest(values.name, words, values.count, field=values.field)
    for word, names, similarities in zip(words, found.names, found.similarities, strict=True):
        for name, similarity in zip(names, similarities, strict=True):
            print(f"{word}\t{name}\t{similarity:.4f}")
    return 0
