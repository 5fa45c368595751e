"""Weights alone in HDF5, of Keras 2 and of Keras 3, for a model that is given besides."""

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
from ..reading.result import ReadResult, Options
from . import legacy_weights
from .keras_file import made_by, outline

SHOWN = 8  # layers of the file, in an error
# How Keras says which shapes do not fit.
_SHAPES = re.compile(
    r"variable\.shape=(\(.*?\)), Received: value\.shape=(\(.*?\))\. Target variable: <Variable path=([^,]+)"
)
NAME = "copy.weights.h5"  # Keras goes by the ending


def read(path: Path, options: Options) -> ReadResult:
    """The model `options.like` with the weights of a file.

    Raises:
        InvalidArgument: there is no such model, or the weights are not those of its layers; the error says which.
        PermissionDenied, ResourceExhausted: see `hdf5.open_checked`.
    """
    with hdf5.open_checked(path) as file:
        if options.like is None:
            raise InvalidArgument(
                f"Expected --like MODEL, the model whose weights they are. Received: {path.name}, {_contents(file)}"
            )
        version = hdf5.text(file, "keras_version")
        if "layer_names" in file.attrs or "layer_names0" in file.attrs:
            changes = _load_legacy(options.like, file)
            if version.startswith("2."):
                keras2_weights.mend(options.like)
        else:
            changes = _load(options.like, file, path, options.folder)
    return ReadResult(
        f"weights of {made_by(version)} in HDF5",
        f"put into the given model: {outline(options.like)}",
        changes,
        options.like,
    )


def _load_legacy(model: keras.Model, file: h5py.File) -> list[str]:
    """By the names of the layers; by their order where the names are others."""
    found = legacy_weights.layers(file)
    config = keras.saving.serialize_keras_object(model)
    weighted = [layer for layer in model.layers if layer.weights]
    named = {new_name(name): name for name in found}
    if named.keys() >= {layer.name for layer in weighted}:
        return legacy_weights.load(model, config, found, named)
    if len(found) != len(weighted):
        raise InvalidArgument(
            f"Expected weights for {len(weighted)} layers ({', '.join(layer.name for layer in weighted[:SHOWN])}). "
            f"Received: those of {_contents(file)}"
        )
    pairs = {layer.name: name for layer, name in zip(weighted, found, strict=True)}
    return [
        *legacy_weights.load(model, config, found, pairs),
        f"weights given by the order of the layers; in the file these are called {', '.join(list(found)[:SHOWN])}",
    ]


def _load(model: keras.Model, file: h5py.File, path: Path, folder: Path) -> list[str]:
    shutil.copyfile(path, folder / NAME)
    try:
        model.load_weights(folder / NAME)
    except (ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        if found := _SHAPES.search(reason):
            reason = f"the model's {found[3]} is {found[1]}, that of the file is {found[2]}"
        raise InvalidArgument(f"Expected weights that fit the model. Received: {path.name} ({reason[:500]})") from None
    finally:
        (folder / NAME).unlink()
    held = {name for name in _arrays(file) if not name.startswith("optimizer/")}
    wanted = len(model.weights)
    more = len(held) - wanted
    return [f"{more} of the file's {len(held)} arrays left out, the model has no place for them"] if more > 0 else []


def _contents(file: h5py.File) -> str:
    """The layers of a file with the shapes of their weights."""
    found: dict[str, list[str]] = {}
    for name, array in _arrays(file).items():
        layer = name.split("/vars/")[0] if "/vars/" in name else name.split("/")[0]
        found.setdefault(layer, []).append(str(list(array.shape)))
    shown = ", ".join(f"{layer} {' '.join(shapes)}" for layer, shapes in list(found.items())[:SHOWN])
    return f"{len(found)} layers: {shown}{' and so on' if len(found) > SHOWN else ''}"


def _arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, node: found.update({name: node}) if isinstance(node, h5py.Dataset) else None)
    return found
