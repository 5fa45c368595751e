"""Exports a model to an HDF5 file in Keras 2 format, which Keras 3 and other programs read as well.

If Keras 2 lacks a layer or option, the file has the format of Keras 3 instead, and a note gives the reason.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras

from ..errors import FailedPrecondition
from ..export.comparing import difference, too_far
from ..signatures import Endpoint
from .fresh_process import Arrays, FreshProcess, version
from .keras2_form import VERSION, NoKeras2Form, keras2_config, without_masks
from .plain import plain

SUFFIX, WHOLE = ".h5", True
_TOLERANCE = 1e-4  # for the difference between the outputs of Keras 2 and Keras 3


def runtime(place: Path) -> str:
    """Returns the versions of Keras 3 and, if the file is in Keras 2 format, of Keras 2."""
    return " and ".join(version(package) for package in _readers(place))


def write(model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Writes the whole model with Keras's own layers only, and without sub-models. Returns a note on each change.

    Raises FailedPrecondition if the model has operations of `keras.ops`, or a layer can't be replaced.
    """
    flat, notes = plain(model, flat=True)
    parts = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    if parts:
        notes.append(
            f"{', '.join(parts)}: replaced with their layers, since Keras 2 and 3 count calls of sub-models differently"
        )
    with _no_warnings():  # Keras warns that this format is outdated
        flat.save(place)
    with h5py.File(place, "r+") as file:
        written = json.loads(file.attrs["model_config"])
        without_masks(written["config"])
        _check_no_operations(written["config"], notes)
        try:
            written = {"class_name": "Functional", "config": keras2_config(written["config"])}
        except NoKeras2Form as reason:
            notes.append(f"the file has the format of Keras 3, because Keras 2 cannot load the model: layer {reason}")
        else:
            for holder in (file, file["model_weights"]):
                holder.attrs["keras_version"] = VERSION
            _name_weights(file["model_weights"])
        file.attrs["model_config"] = json.dumps(written)
    return notes


def _check_no_operations(config: dict[str, Any], notes: list[str]) -> None:
    """Raises FailedPrecondition for operations of `keras.ops`, which HDF5 files can't hold."""
    for layer in config["layers"]:
        kind = layer["class_name"]
        if not hasattr(keras.layers, kind):
            source = next((f" of {note.partition(':')[0]}" for note in notes if f" {kind}" in note), "")
            raise FailedPrecondition(
                f"An HDF5 file holds only layers, but {layer['name']}{source} is the operation {kind}"
            )


@contextmanager
def _no_warnings() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _name_weights(group: Any) -> None:
    """Renames weights as in Keras 2, such as "dense/kernel:0"."""
    for layer in group.values():
        names = [name if isinstance(name, str) else name.decode() for name in layer.attrs["weight_names"]]
        for name in names:
            layer.move(name, f"{name}:0")
        layer.attrs["weight_names"] = [f"{name}:0".encode() for name in names]


def runner(place: Path, endpoint: Endpoint) -> Callable[[Arrays], Arrays]:
    """Returns a function that runs the file in a separate process, with Keras 3.

    If the file is in Keras 2 format, the function also runs the file with Keras 2, and raises FailedPrecondition if the
    outputs differ.
    """
    readers = [FreshProcess(package, place, endpoint) for package in _readers(place)]

    def run(inputs: Arrays) -> Arrays:
        first, *others = (reader(inputs) for reader in readers)
        for other in others:
            for name, value in first.items():
                if too_far(difference(other[name], value), _TOLERANCE):
                    raise FailedPrecondition(f"{runtime(place)} give different values of {name}")
        return first

    return run


def _readers(place: Path) -> tuple[str, ...]:
    """Returns the names of the packages that can read the file: "keras", and "tf_keras" for Keras 2."""
    with h5py.File(place) as file:
        return ("tf_keras", "keras") if file.attrs["keras_version"] == VERSION else ("keras",)
