"""Assigns weights that have the paths of a `.weights.h5` file of Keras as names, such as `layers/dense/vars/0`.

The converter of TensorFlow.js writes such names for `.keras` files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from ...errors import InvalidArgument
from ..keras.keras_file import keras_errors
from ..keras2 import archive as keras2_archive
from ..keras2.repair import is_keras2

_PATH = re.compile(r"(?:.*/)?vars/\d+", re.DOTALL)
_TRAINING = "optimizer/"
_SEEDS = "/seed_generator/"


def has_paths(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bool:
    """Whether the names of the weights are paths of a `.weights.h5` file."""
    return bool(arrays) and all(_PATH.fullmatch(name) for name in arrays)


def load(
    model: keras.Model, arrays: Mapping[str, np.ndarray[Any, Any]], config: Mapping[str, Any], file: Path, folder: Path
) -> None:
    """Assigns the weights to a model: writes a `.weights.h5` file, which Keras loads.

    Args:
        model: the model.
        arrays: the weights by path.
        config: the configuration in the file of the model.
        file: the file of the model, for error messages.
        folder: folder for the temporary file.

    Raises:
        InvalidArgument: a weight is missing, has another shape or belongs to no layer.
    """
    target = folder / "model.weights.h5"
    kept = {name: array for name, array in arrays.items() if not name.startswith(_TRAINING)}
    with keras_errors(file, "loaded"):
        with h5py.File(target, "w") as out:
            for name, array in kept.items():
                out.create_dataset(name, data=array)
        if is_keras2(config):
            keras2_archive.rearrange(target, config, model)
        model.load_weights(target)
    target.unlink()
    used = [name for name in kept if _SEEDS not in name]
    if len(used) != len(model.weights):
        raise InvalidArgument(f"Expected {len(model.weights)} weights in the manifest. Received: {len(used)}")
