"""`gallery list` lists the architectures, grouped by family, and the exported and imported models."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..models.registry import describe, list_models
from ..serving.printable import printable
from . import saved
from .command import SAVED_MODELS, Command

# The families in the order of the list, with the heading of each family.
FAMILIES = {
    "feed_forward": "Feed-forward networks: classes and values from images or tables of numbers",
    "convolutional": "Convolutional networks: classes, objects and regions in images",
    "autoencoders": "Autoencoders: compress, denoise, colour and generate images",
    "recurrent": "Recurrent networks: texts, time series and other sequences",
    "embeddings": "Embeddings: vectors that stand for words and categories",
}


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument(
        "pattern", nargs="?", default="*", help='list only names that match this pattern, such as "*auto*"'
    )
    parser.add_argument(
        "--saved-models",
        default=SAVED_MODELS,
        help="folder of the exported and imported models (default: saved_models)",
    )


def _run(values: argparse.Namespace) -> int:
    models = [describe(name) for name in list_models(values.pattern)]
    width = max((len(info.name) for info in models), default=0)
    blocks = []
    for family, title in FAMILIES.items():
        lines = [f"    {info.name:{width}}  {info.summary}" for info in models if info.family == family]
        if lines:
            blocks.append("\n".join((title, *lines)))
    if rows := saved.rows(values.saved_models, values.pattern):
        title = f"Exported and imported models in {values.saved_models}: name, versions, origin, signatures"
        blocks.append("\n".join(map(printable, (title, *rows))))
    if blocks:
        print("\n\n".join(blocks))
    return 0


COMMAND = Command(
    "list the architectures, and the exported and imported models",
    "Lists the architectures by family, with a short description of each. Then lists the exported and imported models "
    "in the folder saved_models, each with its versions, its origin and its signatures.",
    ["gallery list", 'gallery list "*autoencoder"'],
    _configure,
    _run,
)
