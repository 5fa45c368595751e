"""Keras 2 itself, where it is installed (`pip install tf_keras`): what a file's own runtime answers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..reading import hdf5
from ..reading.result import Arrays, Options
from ..reading.known_classes import NAMES
from .operations import LAYERS, OPERATIONS
from .tables import POLICIES, REPLACED, TRAINING_ONLY

# Harmless there, and not in Keras 3. What looks up words may be given a file to read, so it is not among them.
_KNOWN = (NAMES | {*LAYERS, *REPLACED, *POLICIES, *TRAINING_ONLY, "AddLoss", "AddMetric"}) - {
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
}


def name() -> str:
    """Such as "Keras 2 (tf_keras 2.21.0)"; only where it is installed."""
    import tf_keras

    return f"Keras 2 (tf_keras {tf_keras.__version__})"


def of_file(path: Path, raw: Any, model: keras.Model, options: Options) -> Callable[[Arrays], Arrays] | None:
    """What an HDF5 file of Keras 2 answers in Keras 2.

    Args:
        path: the file.
        raw: its configuration. All of it is loaded there, what the repair left out, too.
        model: the same in Keras 3, whose names of inputs and outputs are used.
        options: `trust` allows every class.

    Returns:
        The function; None where Keras 2 is not installed, or does not take the file.
    """
    if importlib.util.find_spec("tf_keras") is None or not (options.trust or all(map(_is_known, _objects(raw)))):
        return None
    import tf_keras

    with hdf5.open_checked(path) as file:
        if hdf5.text(file["model_weights"], "backend") not in ("", "tensorflow"):
            return None  # whose kernels are turned round, and it does not see to that
        try:
            old = tf_keras.models.load_model(file, compile=False)
        except Exception:  # libraries raise all kinds for what they do not take
            return None

    def answer(inputs: Arrays) -> Arrays:
        given = [
            np.asarray(inputs[x.name], each.dtype.as_numpy_dtype)
            for x, each in zip(model.inputs, old.inputs, strict=True)
        ]
        outputs = old(given if len(given) > 1 else given[0], training=False)
        flat = tf.nest.flatten(outputs)
        names = [each._keras_history.operation.name for each in model.outputs]
        return {name: each.numpy() for name, each in zip(names, flat, strict=True)}

    return answer


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if "class_name" in value:
            yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _is_known(value: Mapping[str, Any]) -> bool:
    return value["class_name"] in _KNOWN and (
        value["class_name"] not in LAYERS or value["config"].get("function") in OPERATIONS
    )
