"""`gallery generate`: new pictures from a generative model, through a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import files

HELP = "make new pictures with a generative model, through a running server; PNG files out"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the served model")
    parser.add_argument("--count", type=int, default=16, help="how many, 1 to 1024 (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same pictures (default: 0)")
    parser.add_argument("--codes", type=Path, help="NPY file of codes (n, code_dim) to decode, in place of drawn ones")
    parser.add_argument("--output", type=Path, help="folder to write to (default: NAME-generated)")
    files.add_server(parser)


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client

    codes = files.load(values.codes) if values.codes else None
    with Client(values.server, timeout=values.timeout) as client:
        images = client.generate(values.name, codes, seed=values.seed, count=values.count)
    folder = values.output or Path(f"{values.name}-generated")
    digits = len(str(len(images) - 1))  # so that the names sort as the numbers do
    for number, image in enumerate(images):
        files.write(folder / f"{number:0{digits}}.png", image)
    print(f"{len(images)} pictures -> {folder}")
    return 0
