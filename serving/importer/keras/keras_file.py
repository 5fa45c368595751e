"""Reads `.keras` files. Keras loads only a new archive with the checked contents, never the file itself."""

from __future__ import annotations

import copy
import json
import shutil
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ...errors import InvalidArgument, PermissionDenied, ResourceExhausted, ServingError
from ..keras2 import archive as keras2_archive
from ..keras2 import weights as keras2_weights
from ..keras2.repair import is_keras2, repair
from ..reading import archive
from ..reading import config as config_file
from ..reading.causes import named_cause
from ..reading.result import Options, ReadResult
from ..reading.vetting import vet
from .weight_sizes import check_weights, elements

WEIGHTS = archive.WEIGHTS[0]


def read(path: Path, options: Options) -> ReadResult:
    """Reads the model of a .keras file of Keras 3, or of Keras 2.12 to 2.15.

    Raises:
        PermissionDenied: the file would run code, or refers to other files.
        FailedPrecondition: a layer has no equivalent in Keras 3.
        InvalidArgument: the file is damaged, or Keras cannot build the model.
        ResourceExhausted: the layers need more weights than the file has, or the model is too large.
    """
    raw, version = config_file.read(path)
    config, changes = repair(raw)
    vet(config, options)
    unpacked = _unpack(path, options.folder / "unpacked")
    with keras_errors(path, "built"):
        skeleton = check_weights(lambda: build(config, options), elements(unpacked / WEIGHTS))
        if is_keras2(raw):
            keras2_archive.rearrange(unpacked / WEIGHTS, raw, skeleton)
    clean = _write(config, version, unpacked, options.folder / "clean.keras")
    with keras_errors(path, "loaded"):
        model = keras.saving.load_model(clean, compile=False, safe_mode=not options.trust)
        if is_keras2(raw):
            keras2_weights.adjust(model)
    clean.unlink()
    method = "rebuilt as a Keras 3 model" if is_keras2(raw) else "loaded with Keras"
    return ReadResult(f"{made_by(version)} file: {summary(model)}", method, changes, model)


def summary(model: keras.Model) -> str:
    """Describes a model, such as "Functional, 7 layers, 50,992 parameters"."""
    if not model.built:
        return f"{type(model).__name__}, {len(model.layers)} layers without input shapes"
    return f"{type(model).__name__}, {len(model.layers)} layers, {model.count_params():,} parameters"


def made_by(version: str) -> str:
    """Names the program that wrote a file: "Keras 2.12" for version 2.12.0, "Keras" for ""."""
    return f"Keras {'.'.join(version.split('.')[:2])}".strip()


@contextmanager
def keras_errors(path: Path, action: str) -> Iterator[None]:
    """Turns any error of Keras into InvalidArgument or ResourceExhausted, with a message of one line.

    Args:
        path: the file, for the message.
        action: the failed step, for the message: "built", "loaded" or "rebuilt".
    """
    try:
        with warnings.catch_warnings():
            # If Keras skips a container, it leaves random weights in the container's layers and only gives a warning.
            warnings.filterwarnings("error", message="Skipping nested container")
            yield
    except ServingError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
            raise ResourceExhausted(f"The model in {path.name} does not fit into memory") from error
        raise InvalidArgument(f"The model in {path.name} cannot be {action} ({named_cause(error)})") from error


def build_checked(path: Path, config: dict[str, Any], options: Options, stored: int) -> keras.Model:
    """Builds a model with random weights, after checking that the file stores enough weights for the model.

    Args:
        path: the file, for error messages.
        config: a configuration that `vet` accepted.
        options: see `result.py`.
        stored: number of array elements in the file.

    Raises:
        InvalidArgument: Keras cannot build the model.
        ResourceExhausted: the model has more weights than the file stores, or does not fit into memory.
    """
    with keras_errors(path, "built"):
        check_weights(lambda: build(config, options), stored)
        return build(config, options)


def build(config: dict[str, Any], options: Options) -> keras.Model:
    """Builds a model with random weights from a configuration that `vet` accepted. Raises any error of Keras."""
    # A copy, because Keras modifies the configuration.
    model = keras.saving.deserialize_keras_object(copy.deepcopy(config), safe_mode=not options.trust)
    if not isinstance(model, keras.Model):
        raise InvalidArgument(f"Expected a model in the file. Received: {type(model).__name__}")
    return model


def _unpack(path: Path, folder: Path) -> Path:
    with archive.open_checked(path) as opened:
        if WEIGHTS not in opened.NameToInfo:
            raise PermissionDenied(
                f"Expected weights in {WEIGHTS}. Received: {path.name}, whose weights are Python pickles "
                "(save the model again with model.save)"
            )
        archive.extract(opened, [WEIGHTS, *archive.members(opened, archive.ASSETS)], folder)
    return folder


def _write(config: dict[str, Any], version: str, unpacked: Path, target: Path) -> Path:
    """Writes an archive with only the checked contents. Deletes the folder `unpacked`."""
    with zipfile.ZipFile(target, "w") as out:
        out.writestr(archive.CONFIG, json.dumps(config))
        out.writestr(archive.METADATA, json.dumps({"keras_version": version, "date_saved": ""}))
        for each in sorted(unpacked.rglob("*")):
            if each.is_file():
                out.write(each, each.relative_to(unpacked))
    shutil.rmtree(unpacked)
    return target
