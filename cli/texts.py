"""Makes the commands that send texts or words to a running server.

The texts are the arguments of the command, or the lines of standard input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import files
from .command import Command
from .progress import progress

if TYPE_CHECKING:
    from ..serving.client import Client

Row = tuple[str, ...]  # the columns of a printed line
# Sends texts to a server and returns the lines to print.
Request = Callable[["Client", argparse.Namespace, list[str]], Iterable[Row]]


def print_texts(
    what: str,
    help: str,
    description: str,
    examples: Sequence[str],
    request: Request,
    more_options: Callable[[argparse.ArgumentParser], None] | None = None,
) -> Command:
    """Returns a command that sends texts to a server and prints the answers, separated by tabs.

    Args:
        what: the name of an input in the help text, such as "word".
        help: see `Command`.
        description: see `Command`.
        examples: see `Command`.
        request: sends the texts and returns the lines to print.
        more_options: adds further options of the command.
    """

    def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
        parser.add_argument("name", help="the name of the served model")
        parser.add_argument(
            "inputs", nargs="*", metavar=what, help=f"one or more {what}s (default: the lines of standard input)"
        )
        files.add_server(parser)
        if more_options:
            more_options(parser)

    def run(values: argparse.Namespace) -> int:
        texts = _read(values)
        with files.connect(values) as client:
            rows = list(request(client, values, texts))
        for row in rows:
            print("\t".join(map(printable, row)))
        return 0

    return Command(help, description, examples, configure, run)


def _read(values: argparse.Namespace) -> list[str]:
    """Returns the texts in the arguments, or the lines of standard input.

    Raises:
        GalleryError: there is no text, or standard input has another encoding.
    """
    if not values.inputs and sys.stdin.isatty():
        progress("Reading texts, one per line, until Ctrl-D")
    try:
        texts: list[str] = values.inputs or [line.rstrip("\n") for line in sys.stdin]
    except UnicodeDecodeError as error:
        raise GalleryError(f"Expected standard input in {sys.stdin.encoding}. Received: {error}.") from None
    if not texts:
        raise GalleryError("No text given. Pass texts as arguments, or write one text per line to standard input.")
    return texts


def labels_of_texts(client: Client, values: argparse.Namespace, texts: list[str]) -> Iterable[Row]:
    """Returns a line for each text: the text, its label and the label's score."""
    found = client.classify_text(values.name, texts)
    return [(text, label, f"{score:.4f}") for text, label, score in zip(texts, found.labels, found.scores, strict=True)]


def strings(method: str) -> Request:
    """Returns a request that calls this method of the client. Its lines have a text and the answer for the text."""

    def request(client: Client, values: argparse.Namespace, texts: list[str]) -> Iterable[Row]:
        return zip(texts, getattr(client, method)(values.name, texts), strict=True)

    return request


def neighbours_options(parser: argparse.ArgumentParser) -> None:
    """Adds the further options of `nearest`."""
    parser.add_argument(
        "--count", type=int, default=10, help="number of neighbours of each word, 1 to 1024 (default: 10)"
    )
    parser.add_argument("--field", help="the column of the categories, if the model has vectors for categories")


def neighbours(client: Client, values: argparse.Namespace, words: list[str]) -> Iterable[Row]:
    """Yields a line for each neighbour of each word: the word, its neighbour and the cosine similarity of the two."""
    found = client.nearest(values.name, words, values.count, field=values.field)
    for word, names, similarities in zip(words, found.names, found.similarities, strict=True):
        for name, similarity in zip(names, similarities, strict=True):
            yield word, name, f"{similarity:.4f}"
