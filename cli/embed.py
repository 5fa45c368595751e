"""`gallery embed` sends files or texts to a running server, and writes or prints their feature vectors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import files, texts
from .command import Command
from .images import add_output, first_output, numbers, write_each
from .sending import Sending, write_table


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the name of the served model")
    kinds = ", ".join(files.SUFFIXES)
    parser.add_argument(
        "inputs", nargs="*", metavar="input", help=f"files ({kinds}), folders, or for a model of texts: texts or words"
    )
    parser.add_argument("--field", help="the column of the categories, if the model has vectors for categories")
    add_output(parser)
    files.add_bulk(parser)
    files.add_server(parser)


def _run(values: argparse.Namespace) -> int:
    from .call import Call

    task = f"embed_{values.field}" if values.field else "embed"
    with files.connect(values) as client:
        call = Call(client, values.name, task)
        if not call.takes_texts:
            values.inputs = [Path(each) for each in values.inputs]
            return write_each(values, "embed", files.SUFFIXES, first_output)
        words = texts.read(values)
        if values.output:
            return write_table(values, task, lambda: words)
        return texts.print_answers(Sending(values, call, words), numbers)


EMBED = Command(
    "compute feature vectors; writes NPY files",
    "Writes the feature vector of each file as an array: digit.png becomes digit.embedding.npy. For a model of texts "
    "or words, prints each text with its vector.",
    [
        "gallery embed convnet digits --output vectors.parquet",
        "gallery embed word2vec_skipgram king queen",
    ],
    _configure,
    _run,
)
