"""The options of `gallery train` that say how a model is trained, such as `--resume` and `--patience 5`."""

from __future__ import annotations

import argparse
from typing import Any

NAMES = (
    *("schedule", "patience", "augment", "class_weights", "mixed_precision"),
    *("vectors", "freeze_vectors", "resume", "tensorboard", "csv_log"),
)  # options that `api.train` has, too


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a parser. `read` reads their values."""
    group = parser.add_argument_group("training (default: as in the recipe)")
    group.add_argument("--schedule", choices=("constant", "cosine"), help="how the learning rate changes")
    group.add_argument(
        "--patience", type=int, metavar="EPOCHS", help="stop after so many epochs without a lower validation loss"
    )
    group.add_argument(
        "--augment", type=_names, metavar="CHANGES", help="random changes of images: some of flip,shift,rotate,crop"
    )
    group.add_argument("--class-weights", choices=("none", "balanced"), help="give all classes the same weight")
    group.add_argument("--mixed-precision", choices=("none", "float16", "bfloat16"), help="compute with 16-bit numbers")
    group.add_argument(
        "--vectors",
        metavar="FILE",
        help="start words with the vectors of a file (word2vec or GloVe), or of a run's folder",
    )
    group.add_argument("--freeze-vectors", action="store_true", default=None, help="do not train the vectors of words")
    group.add_argument("--resume", action="store_true", help="go on with a training that was interrupted or killed")
    group.add_argument("--tensorboard", metavar="DIR", help="write logs for TensorBoard to a folder")
    group.add_argument("--csv-log", metavar="FILE", help="write the losses of each epoch to a CSV file")


def read(values: argparse.Namespace) -> dict[str, Any]:
    """Returns the values of the options as keywords of `api.train`."""
    return {name: getattr(values, name) for name in NAMES}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
