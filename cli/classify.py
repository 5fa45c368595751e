"""`gallery classify`: what each picture is of, from a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import files

HELP = "classify pictures (PNG, JPEG, NPY or a folder of them) through a running server; prints file, label and score"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.add_inputs(parser)
    files.add_server(parser)


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client

    sources = [file for source in values.inputs for file in files.expand(source)]
    with Client(values.server, timeout=values.timeout) as client:
        for source in sources:
            found = files.ask(client, values.name, source, "classify")
            for number, (label, score) in enumerate(zip(found.labels, found.scores, strict=True)):
                print(f"{files.row(source, number)}\t{label}\t{score:.4f}")
    return 0
