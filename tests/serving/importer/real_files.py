"""Reads the files that Keras 2 wrote (see `files/make_keras2.py`), and the outputs that Keras 2 computed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "files"
Arrays = dict[str, np.ndarray[Any, Any]]


def unpack(name: str, folder: Path) -> Path:
    """Unpacks `<name>.zip` into `folder`. Returns `folder`."""
    with zipfile.ZipFile(FOLDER / f"{name}.zip") as archive:
        archive.extractall(folder)
    return folder


def answers(folder: Path) -> tuple[Arrays, Arrays]:
    """Returns the inputs and the outputs that Keras 2 computed. The keys are names in Keras 2."""
    with np.load(folder / "answers.npz") as arrays:
        named = {
            prefix: {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
            for prefix in ("inputs/", "outputs/")
        }
    return named["inputs/"], named["outputs/"]


def ask(model: Any, inputs: Arrays) -> list[np.ndarray[Any, Any]]:
    """Returns the list of outputs of a Keras 3 model. The inputs are passed in order, without their names."""
    import keras

    values = list(inputs.values())
    outputs = model(values if len(values) > 1 else values[0], training=False)
    return [np.asarray(each) for each in keras.tree.flatten(outputs)]
