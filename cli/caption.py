"""`gallery caption`: what a model writes about pictures, from a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import files

HELP = "caption pictures (PNG, JPEG, NPY or a folder of them) through a running server; prints file and caption"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.add_inputs(parser)
    files.add_server(parser)


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client

    sources = [file for source in values.inputs for file in files.expand(source)]
    with Client(values.server, timeout=values.timeout) as client:
        for source in sources:
            for number, caption in enumerate(files.ask(client, values.name, source, "caption")):
                print(f"{files.row(source, number)}\t{caption}")
    return 0
