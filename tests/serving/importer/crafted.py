"""Model files as an attacker would make them: real ones of Keras, changed."""

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
    """The configuration in a .keras file."""
    with zipfile.ZipFile(source) as archive:
        config: dict[str, Any] = json.loads(archive.read("config.json"))
        return config


def rewrite(source: Path, place: Path, change: Change | None = None, **members: bytes) -> Path:
    """A .keras file like `source` with another configuration, and with other members: by name, dots as underscores."""
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
    """An HDF5 file like `source` with another configuration."""
    place.write_bytes(source.read_bytes())
    with h5py.File(place, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
    return place


def insert(layer: dict[str, Any]) -> Change:
    """Puts a layer at the end of a Sequential model."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"].append(layer)

    return change


def layer(class_name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """A layer as Keras 3 writes it, named "payload"."""
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": "payload", "trainable": True, **config},
        "registered_name": None,
    }


def function(name: str, module: str) -> dict[str, Any]:
    """A function as Keras 3 writes it."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def change_weights(source: Path, place: Path, change: Callable[[h5py.File], None]) -> Path:
    """A .keras file like `source` whose weights' HDF5 file is changed."""
    weights = place.with_suffix(".h5")
    with zipfile.ZipFile(source) as archive:
        weights.write_bytes(archive.read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        change(file)
    return rewrite(source, place, model_weights_h5=weights.read_bytes())


def refused(
    read: Callable[[Path], object], file: Path, *words: str, error: type[ServingError] = PermissionDenied
) -> None:
    """Asserts that a file is refused in one line with all these words."""
    with pytest.raises(error) as caught:
        read(file)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("Expected ") and " Received: " in line
    assert [word for word in words if word not in line] == [], line
