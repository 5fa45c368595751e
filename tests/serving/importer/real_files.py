"""Files that Keras 2 wrote (see `files/make_keras2.py`), with the outputs that it computed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "files"
Arrays = dict[str, np.ndarray[Any, Any]]


def unpack(name: str, folder: Path) -> Path:
    """Unpacks `<name>.zip` into `folder`, and returns it."""
    with zipfile.ZipFile(FOLDER / f"{name}.zip") as archive:
        archive.extractall(folder)
    return folder


def answers(folder: Path) -> tuple[Arrays, Arrays]:
    """Returns inputs and the outputs that Keras 2 computed, by their names in Keras 2."""
    with np.load(folder / "answers.npz") as arrays:
        named = {
            kind: {key.removeprefix(kind): arrays[key] for key in arrays if key.startswith(kind)}
            for kind in ("inputs/", "outputs/")
        }
    return named["inputs/"], named["outputs/"]


def ask(model: Any, inputs: Arrays) -> list[np.ndarray[Any, Any]]:
    """Returns the outputs of a Keras 3 model in order, for inputs in order."""
    import keras

    given = list(inputs.values())
    outputs = model(given if len(given) > 1 else given[0], training=False)
    return [np.asarray(each) for each in keras.tree.flatten(outputs)]
