"""Builds malicious model files by modifying files that Keras wrote."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from keras_gallery.serving.errors import PermissionDenied, ServingError

Change = Callable[[dict[str, Any]], None]
SECRET = b"the secret of this machine, 32 b"


def read_config(source: Path) -> dict[str, Any]:
    """Returns the configuration in a .keras file."""
    with zipfile.ZipFile(source) as archive:
        config: dict[str, Any] = json.loads(archive.read("config.json"))
        return config


def rewrite(source: Path, place: Path, change: Change | None = None, **members: bytes) -> Path:
    """Writes a copy of the .keras file `source` with changes.

    Args:
        source: the original file.
        place: the new file.
        change: modifies the configuration.
        members: new contents of members of the archive, by name with underscores instead of dots.
    """
    changed = {name.replace("_", "."): data for name, data in members.items()}
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(place, "w") as out:
        for name in archive.namelist():
            data = changed.get(name, archive.read(name))
            if name == "config.json" and change is not None:
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            out.writestr(name, data)
    return place


def rewrite_h5(source: Path, place: Path, change: Change) -> Path:
    """Writes a copy of the HDF5 file `source` with a changed configuration."""
    place.write_bytes(source.read_bytes())
    with h5py.File(place, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
    return place


def insert(layer: dict[str, Any]) -> Change:
    """Returns a change that appends a layer to a Sequential model."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"].append(layer)

    return change


def layer(class_name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """Returns the configuration of a layer named "payload", in Keras 3's format."""
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": "payload", "trainable": True, **config},
        "registered_name": None,
    }


def function(name: str, module: str) -> dict[str, Any]:
    """Returns a serialized function, in Keras 3's format."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def change_weights(source: Path, place: Path, change: Callable[[h5py.File], None]) -> Path:
    """Writes a copy of the .keras file `source` with changed weights."""
    weights = place.with_suffix(".h5")
    with zipfile.ZipFile(source) as archive:
        weights.write_bytes(archive.read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        change(file)
    return rewrite(source, place, model_weights_h5=weights.read_bytes())


def assert_refused(
    read: Callable[[Path], object], file: Path, *words: str, error: type[ServingError] = PermissionDenied
) -> None:
    """Asserts that reading a file raises `error`, and that the message is one line that contains all `words`."""
    with pytest.raises(error) as caught:
        read(file)
    line = str(caught.value)
    assert "\n" not in line
    assert [word for word in words if word not in line] == [], line
