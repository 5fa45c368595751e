"""Makes the commands that send texts or words to a running server.

The texts are the arguments of the command, or the lines of standard input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import files, served, tables
from .accepted import check_task
from .beam import add_beam, call_of
from .command import Command
from .progress import progress
from .sending import TABLE_HELP, Sending, write_table

if TYPE_CHECKING:
    from ..serving.client import Neighbours
    from .call import Outputs

Row = tuple[str, ...]  # the columns of a printed line


def print_texts(
    task: str,
    what: str,
    help: str,
    description: str,
    examples: Sequence[str],
    rows: Callable[[Outputs], Iterable[Row]],
    select: Callable[[Outputs], Outputs] | None = None,
) -> Command:
    """Returns a command that sends texts to a server, and prints the answers or writes one table.

    Args:
        task: the name of the signature, such as "translate".
        what: the name of an input in the help text, such as "word".
        help: see `Command`.
        description: see `Command`.
        examples: see `Command`.
        rows: converts outputs to the columns of the lines.
        select: chooses and shapes the outputs of a table.
    """

    def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
        _add_texts(parser, what)
        add_beam(parser, task)
        parser.add_argument("--output", type=Path, help=f"{TABLE_HELP} (default: print the answers)")
        files.add_bulk(parser)
        files.add_server(parser)

    def run(values: argparse.Namespace) -> int:
        texts = read(values)
        if values.output:
            return write_table(values, task, lambda: texts, select)
        with files.connect(values) as client:
            return print_answers(Sending(values, call_of(values, client, task), texts), rows)

    return Command(help, description, examples, configure, run)


def print_answers(sending: Sending, rows: Callable[[Outputs], Iterable[Row]]) -> int:
    """Prints a line for each text. Returns the exit status."""
    sending.print_rows(rows)
    return sending.close()


def _add_texts(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("name", help="the name of the served model")
    parser.add_argument(
        "inputs", nargs="*", metavar=what, help=f"one or more {what}s (default: the lines of standard input)"
    )


def read(values: argparse.Namespace) -> list[str]:
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


def tags(outputs: Outputs) -> Iterable[Row]:
    """Returns the tags of each text, and the score of the least certain tag."""
    for labels, scores in zip(outputs["label"].tolist(), outputs["score"].tolist(), strict=True):
        known = [(label, score) for label, score in zip(labels, scores, strict=True) if label]  # without padding
        yield " ".join(label for label, _ in known), f"{min((score for _, score in known), default=1.0):.4f}"


def tags_as_text(outputs: Outputs) -> Outputs:
    """Returns the outputs of `tag` for a table: the tags of each text, and the score of the least certain tag."""
    import numpy as np

    rows = list(tags(tables.plain(outputs)))
    texts, scores = zip(*rows, strict=True)
    return {"tags": np.array(texts, object), "score": np.array(scores, np.float32)}


# === Nearest ===


def _configure_nearest(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    _add_texts(parser, "word")
    files.add_server(parser)
    parser.add_argument(
        "--count", type=int, default=10, help="number of neighbours of each word, 1 to 1024 (default: 10)"
    )
    parser.add_argument("--field", help="the column of the categories, if the model has vectors for categories")


def _run_nearest(values: argparse.Namespace) -> int:
    words = read(values)
    with files.connect(values) as client:
        task = f"nearest_{values.field}" if values.field else "nearest"
        check_task(values.name, task, served.signatures(client, values.name))
        found = client.nearest(values.name, words, values.count, field=values.field)
    return _print_found(words, found)


def _print_found(asked: Sequence[str], found: Neighbours) -> int:
    """Prints a line for each answer to each question: the question, the answer and its cosine similarity."""
    for question, names, similarities in zip(asked, found.names, found.similarities, strict=True):
        for name, similarity in zip(names, similarities, strict=True):
            print("\t".join(map(printable, (question, name, f"{similarity:.4f}"))))
    return 0


NEAREST = Command(
    "find similar words or categories; prints them with their similarity",
    "For each word or category, prints the words or categories with the most similar vectors, and their cosine "
    "similarity.",
    ["gallery nearest word2vec_skipgram king --count 5"],
    _configure_nearest,
    _run_nearest,
)


# === Analogy ===


def _configure_analogy(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    _add_texts(parser, "word")
    files.add_server(parser)
    parser.add_argument(
        "--count", type=int, default=10, help="number of answers to each question, 1 to 1024 (default: 10)"
    )


def _run_analogy(values: argparse.Namespace) -> int:
    words = [word for text in read(values) for word in text.split()]
    if len(words) % 3 or not words:
        raise GalleryError(f"Expected three words for each question. Received: {len(words)} words.")
    asked = [" ".join(words[at : at + 3]) for at in range(0, len(words), 3)]
    with files.connect(values) as client:
        check_task(values.name, "analogy", served.signatures(client, values.name))
        found = client.analogy(values.name, words[::3], words[1::3], words[2::3], values.count)
    return _print_found(asked, found)


ANALOGY = Command(
    "complete an analogy of words; prints the answers with their similarity",
    "For the words A B C, prints words that complete: A is to B as C is to … The vectors of these words are the most "
    "similar to B − A + C. The input is three words for each question.",
    ["gallery analogy word2vec_skipgram man king woman --count 5"],
    _configure_analogy,
    _run_analogy,
)
