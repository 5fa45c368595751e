"""`gallery classify-text`: what each text is, from a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import texts

HELP = "classify texts through a running server; prints text, label and score"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    texts.configure(parser, "text")


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client

    given = texts.read(values)
    with Client(values.server, timeout=values.timeout) as client:
        found = client.classify_text(values.name, given)
    for text, label, score in zip(given, found.labels, found.scores, strict=True):
        print(f"{text}\t{label}\t{score:.4f}")
    return 0
