"""Reads the configuration of a model from its file. Imports neither Keras nor TensorFlow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...errors import InvalidArgument
from . import archive, kinds
from .json_text import MAX_BYTES, read_json

_VERSION = re.compile(r"[\w.+ -]{1,60}", re.ASCII)


def read_config(path: Path) -> dict[str, Any]:
    """Returns the configuration of a model. Raises the same errors as `read`."""
    return read(path)[0]


def read(path: Path) -> tuple[dict[str, Any], str]:
    """Returns the configuration of a model, and the version of Keras that wrote it.

    Args:
        path: a .keras file, a whole model in HDF5, the model.json of a TensorFlow.js layers model, or an architecture
            in JSON.

    Returns:
        The configuration `{"class_name": ..., "config": ..., ...}` without optimizers, losses and metrics, and the
        version, such as "2.12.0". The version is "" if the file does not state it.

    Raises:
        NotFound: the file does not exist.
        InvalidArgument: the file has another format, or is damaged.
        PermissionDenied: the file is unsafe, as `archive.open_checked` and `hdf5.open_checked` describe.
        ResourceExhausted: the file or its configuration is too large.
    """
    file_format = kinds.recognise(path)
    readers = {"keras": _from_keras, "h5": _from_h5, "tfjs_layers": _from_tfjs, "architecture": _from_json}
    if file_format not in readers:
        raise InvalidArgument(
            f"Expected a file with a model configuration. Received: {path}, {kinds.NAMES[file_format]}"
        )
    config, version = readers[file_format](path)
    if not isinstance(config.get("class_name"), str) or not isinstance(config.get("config"), dict | list):
        raise InvalidArgument(
            f"Expected a class_name and a config in {path}. Received the keys {list(config)[:5]!r:.200}"
        )
    shown = version if isinstance(version, str) and _VERSION.fullmatch(version) else ""
    return _with_factors(_with_code_marked(_without_training(config))), shown


def _without_training(value: Any) -> Any:
    """Removes the optimizers, losses and metrics of a model and of its nested models. Only training uses them."""
    if isinstance(value, list):
        return [_without_training(each) for each in value]
    if isinstance(value, dict):
        removed = {"compile_config"} if "class_name" in value else set()
        return {key: _without_training(each) for key, each in value.items() if key not in removed}
    return value


def _with_code_marked(value: Any, key: str = "") -> Any:
    """Adds the class __lambda__ to lambdas that are activations. Keras writes only their code: {"value": [code, …]}."""
    if isinstance(value, list):
        return [_with_code_marked(each, key) for each in value]
    if not isinstance(value, dict):
        return value
    code = value.get("value")
    if key.endswith("activation") and value.keys() == {"value"} and isinstance(code, list) and len(code) == 3:
        return {"class_name": "__lambda__", "config": value}
    return {name: _with_code_marked(each, name) for name, each in value.items()}


def _with_factors(value: Any) -> Any:
    """Replaces the factors [-0.2, 0.2] of `RandomShear` by 0.2. Keras 3.15 writes the former, but accepts only this."""
    if isinstance(value, list):
        return [_with_factors(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {key: _with_factors(each) for key, each in value.items()}
    options = value.get("config")
    if value.get("class_name") == "RandomShear" and isinstance(options, dict):
        for key in ("x_factor", "y_factor"):
            match options.get(key):
                case [float(low), float(high)] if low == -high:
                    options[key] = high
    return value


def _from_keras(path: Path) -> tuple[dict[str, Any], Any]:
    with archive.open_checked(path) as opened:
        config = read_json(archive.read(opened, archive.CONFIG, MAX_BYTES), archive.CONFIG)
        if archive.METADATA not in opened.NameToInfo:
            return config, ""
        metadata = read_json(archive.read(opened, archive.METADATA, MAX_BYTES), archive.METADATA)
        return config, metadata.get("keras_version")


def _from_json(path: Path) -> tuple[dict[str, Any], Any]:
    config = kinds.read_json_file(path)
    version = config.get("keras_version")
    return {key: value for key, value in config.items() if key not in ("keras_version", "backend")}, version


def _from_h5(path: Path) -> tuple[dict[str, Any], Any]:
    from . import hdf5

    with hdf5.open_checked(path) as file:
        version = hdf5.text(file, "keras_version")
        return read_json(hdf5.text(file, "model_config").encode(), "model_config"), version


def _from_tfjs(path: Path) -> tuple[dict[str, Any], Any]:
    topology = read_json(kinds.read_bounded(kinds.tfjs_json(path), MAX_BYTES), "model.json")["modelTopology"]
    config = topology.get("model_config", topology)
    if not isinstance(config, dict):
        raise InvalidArgument(f"Expected an object as model_config in model.json. Received: {type(config).__name__}")
    if config is topology:  # written by TensorFlow.js; the converter from Keras writes model_config
        config = {name: value for name, value in topology.items() if name not in ("keras_version", "backend")}
    version = topology.get("keras_version")
    return _with_batch_shape(config) if str(version).startswith("3") or _calls_keras_3(config) else config, version


def _calls_keras_3(value: Any) -> bool:
    """Whether a configuration has calls of layers in the format of Keras 3: objects with arguments."""
    if isinstance(value, list):
        return any(map(_calls_keras_3, value))
    if not isinstance(value, dict):
        return False
    calls = value.get("inbound_nodes")
    if isinstance(calls, list) and any(isinstance(call, dict) for call in calls):
        return True
    return any(map(_calls_keras_3, value.values()))


def _with_batch_shape(value: Any) -> Any:
    """Restores the name of the option batch_shape of Keras 3. Users rename it, so that TensorFlow.js loads the file."""
    if isinstance(value, list):
        return [_with_batch_shape(each) for each in value]
    if isinstance(value, dict):
        new = dict.fromkeys(("batchInputShape", "batch_input_shape"), "batch_shape")
        return {new.get(key, key): _with_batch_shape(each) for key, each in value.items()}
    return value
