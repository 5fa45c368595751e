"""`gallery generate` writes new images that a generative model on a running server decodes from codes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..serving.printable import printable
from . import arrays, files, served
from .accepted import check_task
from .command import Command


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the name of the served model")
    parser.add_argument("--count", type=int, default=16, help="number of images, 1 to 1024 (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same images (default: 0)")
    parser.add_argument("--codes", type=Path, help="NPY file of codes (n, code_dim) to decode instead of random codes")
    parser.add_argument("--output", type=Path, help="folder to write to (default: NAME-generated)")
    files.add_server(parser)


def _run(values: argparse.Namespace) -> int:
    codes = arrays.load(values.codes) if values.codes else None
    with files.connect(values) as client:
        check_task(values.name, "generate" if codes is None else "decode", served.signatures(client, values.name))
        images = client.generate(values.name, codes, seed=values.seed, count=values.count)
    folder = values.output or Path(f"{values.name}-generated")
    digits = len(str(len(images) - 1))  # leading zeros, so that the files are in numerical order
    for number, image in enumerate(images):
        arrays.write(folder / f"{number:0{digits}}.png", image)
    print(printable(f"{len(images)} images -> {folder}"))
    return 0


GENERATE = Command(
    "generate new images; writes PNG files",
    "Writes new images of a generative model, decoded from random codes or from the codes in a file.",
    ["gallery generate variational_autoencoder --count 100"],
    _configure,
    _run,
)
