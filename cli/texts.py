"""What the commands that take texts or words share: arguments, or lines of the standard input."""

from __future__ import annotations

import argparse
import sys

from ..models.errors import GalleryError
from . import files


def configure(parser: argparse.ArgumentParser, what: str) -> None:
    """Which model is asked, and what about."""
    parser.add_argument("name", help="the served model")
    parser.add_argument(
        "inputs", nargs="*", metavar=what, help=f"any {what}s; without one, lines of the standard input"
    )
    files.add_server(parser)


def read(values: argparse.Namespace) -> list[str]:
    """The texts, in order. Raises GalleryError where there are none."""
    texts: list[str] = values.inputs or [line.rstrip("\n") for line in sys.stdin]
    if not texts:
        raise GalleryError("Expected a text, or lines of the standard input. Received: none.")
    return texts


def run(values: argparse.Namespace, task: str) -> int:
    """Prints what the client's method `task` answers for each text."""
    from ..serving.client import Client

    texts = read(values)
    with Client(values.server, timeout=values.timeout) as client:
        for text, answer in zip(texts, getattr(client, task)(values.name, texts), strict=True):
            print(f"{text}\t{answer}")
    return 0
