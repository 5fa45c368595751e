"""Loads weights-only HDF5 files of Keras 2 and Keras 3 into a model."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import h5py
import keras

from ...errors import InvalidArgument
from ..keras2 import weights as keras2_weights
from ..keras2.tables import new_name
from ..reading import hdf5
from ..reading.causes import cause
from ..reading.result import Options, ReadResult
from . import legacy_weights
from .keras_file import made_by, summary

SHOWN = 8  # maximum number of layers in an error message
# Keras's error message for shapes that do not fit.
_SHAPES = re.compile(
    r"variable\.shape=(\(.*?\)), Received: value\.shape=(\(.*?\))\. Target variable: <Variable path=([^,]+)"
)
NAME = "copy.weights.h5"  # Keras requires this ending


def read(path: Path, options: Options) -> ReadResult:
    """Loads the weights of a file into the model `options.like`.

    Raises:
        InvalidArgument: `options.like` is None, or the weights do not fit the model. The message names the layer.
        PermissionDenied, ResourceExhausted: see `hdf5.open_checked`.
    """
    with hdf5.open_checked(path) as file:
        if options.like is None:
            raise InvalidArgument(
                f"{path.name} holds only weights: specify their model with --like. The file has {_contents(file)}"
            )
        version = hdf5.text(file, "keras_version")
        if "layer_names" in file.attrs or "layer_names0" in file.attrs:
            changes = _load_legacy(options.like, file)
            if version.startswith("2."):
                keras2_weights.adjust(options.like)
        else:
            changes = _load(options.like, file, path, options.folder)
    return ReadResult(
        f"weights of {made_by(version)} in HDF5",
        f"loaded into the given model: {summary(options.like)}",
        changes,
        options.like,
    )


def _load_legacy(model: keras.Model, file: h5py.File) -> list[str]:
    """Loads weights in the format of Keras 2. Matches layers by name, or by order if the names differ.

    Returns lines of text for the user. Raises InvalidArgument.
    """
    arrays = legacy_weights.layers(file)
    config = keras.saving.serialize_keras_object(model)
    weighted = [layer for layer in model.layers if layer.weights]
    old_names = {new_name(name): name for name in arrays}
    if old_names.keys() >= {layer.name for layer in weighted}:
        return legacy_weights.load(model, config, arrays, old_names)
    if len(arrays) != len(weighted):
        raise InvalidArgument(
            f"Expected weights for {len(weighted)} layers ({', '.join(layer.name for layer in weighted[:SHOWN])}). "
            f"Received: weights for {_contents(file)}"
        )
    pairs = {layer.name: name for layer, name in zip(weighted, arrays, strict=True)}
    return [
        *legacy_weights.load(model, config, arrays, pairs),
        f"layers matched by order, not by name; their names in the file are {', '.join(list(arrays)[:SHOWN])}",
    ]


def _load(model: keras.Model, file: h5py.File, path: Path, folder: Path) -> list[str]:
    """Loads weights in the format of Keras 3. Returns lines of text for the user. Raises InvalidArgument."""
    shutil.copyfile(path, folder / NAME)
    try:
        model.load_weights(folder / NAME)
    except (ValueError, KeyError) as error:
        problem = cause(error)
        if match := _SHAPES.search(" ".join(str(error).split())):
            problem = f"{match[3]} has shape {match[1]} in the model and {match[2]} in the file"
        raise InvalidArgument(f"The weights in {path.name} do not fit the model: {problem}") from None
    finally:
        (folder / NAME).unlink()
    stored = {name for name in _arrays(file) if not name.startswith("optimizer/")}
    unused = len(stored) - len(model.weights)
    return (
        [f"{unused} of the file's {len(stored)} arrays left out, because the model does not use them"]
        if unused > 0
        else []
    )


def _contents(file: h5py.File) -> str:
    """Lists the first layers of a file, with the shapes of their weights."""
    layers: dict[str, list[str]] = {}
    for name, array in _arrays(file).items():
        layer = name.split("/vars/")[0] if "/vars/" in name else name.split("/")[0]
        layers.setdefault(layer, []).append(str(list(array.shape)))
    shown = ", ".join(f"{layer} {' '.join(shapes)}" for layer, shapes in list(layers.items())[:SHOWN])
    return f"{len(layers)} layers: {shown}{' and so on' if len(layers) > SHOWN else ''}"


def _arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    arrays: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, node: arrays.update({name: node}) if isinstance(node, h5py.Dataset) else None)
    return arrays
