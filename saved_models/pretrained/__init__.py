"""Trained models that come with Keras Gallery: one run of the default recipe of most architectures, in a folder each.

The folders are like those of `gallery train` (see `training.runs`), but with at most two pictures. Large weights are in
half precision. `metrics.json` has the figures of these weights. `card.json` has the origin and the licence of the data,
the command of the training, and the SHA-256 of model.keras. `python -m tools.pretrained` writes the folders.
"""

from pathlib import Path

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Returns the names of the architectures with a trained model, in alphabetical order."""
    return sorted(file.parent.name for file in FOLDER.glob("*/model.keras"))


def folder_of(name: str) -> Path | None:
    """Returns the run of an architecture, or None if there is no trained model."""
    return FOLDER / name if name in names() else None
