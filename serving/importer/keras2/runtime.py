"""Runs a file in Keras 2 (`pip install tf_keras`), so that the results can be compared with the rebuilt model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...signatures.outputs import check_count, output_names
from ..reading import archive, hdf5
from ..reading.json_text import read_json
from ..reading.result import Arrays, Options
from . import allowed


def name() -> str:
    """Returns the name and version of the runtime, such as "Keras 2 (tf_keras 2.21.0)". Needs tf_keras."""
    import tf_keras

    return f"Keras 2 (tf_keras {tf_keras.__version__})"


def load_h5(path: Path) -> Any:
    """Loads an HDF5 file in Keras 2. Returns None if Keras 2 is not installed or cannot load the file.

    Check the configuration with `allowed.is_harmless` first.
    """
    if not allowed.is_installed():
        return None
    import tf_keras

    with hdf5.open_checked(path) as file:
        if hdf5.text(file["model_weights"], "backend") not in ("", "tensorflow"):
            return None  # tf_keras does not flip the kernels of a file from Theano
        if _is_compiled(read_json(hdf5.text(file, "model_config").encode(), "model_config")):
            return None  # Keras 2 would create the losses and metrics, which `allowed.is_harmless` has not checked
        try:
            return tf_keras.models.load_model(file, compile=False)
        except Exception:  # Keras raises errors of many classes for files that it cannot load
            return None


def _is_compiled(config: Any) -> bool:
    """Whether a model in a configuration has the losses and metrics of a .keras file. Keras 2 writes none to HDF5."""
    if isinstance(config, dict):
        return "compile_config" in config or any(map(_is_compiled, config.values()))
    return isinstance(config, list) and any(map(_is_compiled, config))


def load_keras(path: Path, raw: Any, folder: Path) -> Any:
    """Loads a .keras file in Keras 2. Returns None if Keras 2 cannot load the file.

    Check the configuration with `allowed.is_harmless` first.

    Args:
        path: the file.
        raw: the configuration in the file.
        folder: a new folder for the weights.
    """
    import tf_keras

    weights = archive.WEIGHTS[0]
    with archive.open_checked(path) as opened:
        if weights not in opened.NameToInfo:
            return None
        archive.extract(opened, [weights], folder)
    with hdf5.open_checked(folder / weights):
        pass
    try:
        model = tf_keras.models.model_from_json(json.dumps(_without_modules(raw)))
        model.load_weights(folder / weights)
    except Exception:  # Keras raises errors of many classes for files that it cannot load
        return None
    return model


def _without_modules(value: Any) -> Any:
    """Removes the modules of classes from a configuration, so that Keras 2 imports no modules."""
    if isinstance(value, list):
        return [_without_modules(each) for each in value]
    if not isinstance(value, dict):
        return value
    removed = ("module", "registered_name", "build_config") if "class_name" in value else ()
    return {key: _without_modules(each) for key, each in value.items() if key not in removed}


def reference_function(path: Path, raw: Any, model: keras.Model, options: Options) -> Callable[[Arrays], Arrays] | None:
    """Returns a function that runs an HDF5 file of Keras 2 in Keras 2.

    Args:
        path: the file.
        raw: the configuration in the file. Keras 2 loads the whole configuration, even parts that the repair removed.
        model: the rebuilt model in Keras 3. The function uses the model's names of inputs and outputs.
        options: `trust` allows every class.

    Returns:
        The function, or None if Keras 2 is not installed or cannot load the file safely.
    """
    if not (options.trust or allowed.is_harmless(raw)):
        return None
    old = load_h5(path)
    if old is None:
        return None

    def run(inputs: Arrays) -> Arrays:
        arrays = [
            np.asarray(inputs[x.name], each.dtype.as_numpy_dtype)
            for x, each in zip(model.inputs, old.inputs, strict=True)
        ]
        outputs = old(arrays if len(arrays) > 1 else arrays[0], training=False)
        flat, names = tf.nest.flatten(outputs), output_names(model)
        check_count("the file in Keras 2", flat, names)
        return {name: each.numpy() for name, each in zip(names, flat, strict=True)}

    return run
