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
Shapes = dict[str, tuple[int, ...]]
_TRAINING = "optimizer/"
_PRIVATE = re.compile(r"(^|/)_")  # Keras 2 writes `_query_dense`, and Keras 3 `query_dense`
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
        _check(_shapes(target), _saved_shapes(model, folder))
        model.load_weights(target)
    target.unlink()


def _check(found: Shapes, expected: Shapes) -> None:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise InvalidArgument(f"The manifest has no weight {name!r}")
        if name not in expected:
            raise InvalidArgument(f"Expected a layer of the model for weight {name!r}. Received: no such layer")
        if found[name] != expected[name]:
            shapes = [list(each[name]) for each in (expected, found)]
            raise InvalidArgument(f"Expected weight {name!r} to have shape {shapes[0]}. Received: {shapes[1]}")


def _saved_shapes(model: keras.Model, folder: Path) -> Shapes:
    """Returns the shapes of the weights in a file that Keras writes for the model."""
    file = folder / "expected.weights.h5"
    model.save_weights(file)
    shapes = _shapes(file)
    file.unlink()
    return shapes


def _shapes(file: Path) -> Shapes:
    """Returns the shapes of the arrays in a file by path, without the seeds of random layers."""
    shapes: Shapes = {}

    def visit(name: str, each: h5py.Group | h5py.Dataset) -> None:
        if isinstance(each, h5py.Dataset) and _SEEDS not in name:
            shapes[_PRIVATE.sub(r"\1", name)] = each.shape

    with h5py.File(file) as opened:
        opened.visititems(visit)
    return shapes
