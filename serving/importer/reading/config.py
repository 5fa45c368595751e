"""A model's configuration as its file has it, without Keras and without TensorFlow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...errors import InvalidArgument
from . import archive, kinds
from .json_text import MAX_BYTES, read_json

_VERSION = re.compile(r"[\w.+ -]{1,60}", re.ASCII)


def read_config(path: Path) -> dict[str, Any]:
    """The configuration alone. Raises as `read`."""
    return read(path)[0]


def read(path: Path) -> tuple[dict[str, Any], str]:
    """A model's configuration, and the version of Keras that wrote it.

    Args:
        path: a .keras file, a whole model in HDF5, or the model.json of a TensorFlow.js layers model.

    Returns:
        `{"class_name": ..., "config": ...}`, with whatever stands beside these but how to train it; and such as
        "2.12.0", "" where the file does not say.

    Raises:
        InvalidArgument: the file is none of these, or is damaged.
        PermissionDenied: it refers to what is not in it.
        ResourceExhausted: it is larger or deeper than a model's would be.
    """
    kind = kinds.recognise(path)
    readers = {"keras": _from_keras, "h5": _from_h5, "tfjs_layers": _from_tfjs}
    if kind not in readers:
        raise InvalidArgument(f"Expected a file with a model's configuration. Received: {path}, {kinds.NAMES[kind]}")
    config, version = readers[kind](path)
    if not isinstance(config.get("class_name"), str) or not isinstance(config.get("config"), dict | list):
        raise InvalidArgument(f"Expected a class_name and a config. Received: {path}, with {list(config)[:5]!r:.200}")
    return _without_training(config), version if isinstance(version, str) and _VERSION.fullmatch(version) else ""


def _without_training(value: Any) -> Any:
    """A configuration without optimisers, losses and metrics, its own and those of the models in it: none is served."""
    if isinstance(value, list):
        return [_without_training(each) for each in value]
    if isinstance(value, dict):
        left_out = {"compile_config"} if "class_name" in value else set()
        return {key: _without_training(each) for key, each in value.items() if key not in left_out}
    return value


def _from_keras(path: Path) -> tuple[dict[str, Any], Any]:
    with archive.open_checked(path) as opened:
        config = read_json(archive.read(opened, archive.CONFIG, MAX_BYTES), archive.CONFIG)
        if archive.METADATA not in opened.NameToInfo:
            return config, ""
        metadata = read_json(archive.read(opened, archive.METADATA, MAX_BYTES), archive.METADATA)
        return config, metadata.get("keras_version")


def _from_h5(path: Path) -> tuple[dict[str, Any], Any]:
    from . import hdf5

    with hdf5.open_checked(path) as file:
        version = hdf5.text(file, "keras_version")
        return read_json(hdf5.text(file, "model_config").encode(), "model_config"), version


def _from_tfjs(path: Path) -> tuple[dict[str, Any], Any]:
    topology = read_json(kinds.read_bounded(kinds.tfjs_json(path), MAX_BYTES), "model.json")["modelTopology"]
    config = topology.get("model_config", topology)
    if not isinstance(config, dict):
        raise InvalidArgument(f"Expected a model's configuration in model.json. Received: {type(config).__name__}")
    if config is topology:  # as TensorFlow.js itself writes it
        config = {name: value for name, value in topology.items() if name not in ("keras_version", "backend")}
    return config, topology.get("keras_version")
