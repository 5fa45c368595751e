"""`.keras` files: what is in the archive is checked, written into an archive of our own, and that one is loaded."""

from __future__ import annotations

import copy
import json
import re
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
from ..reading.result import ReadResult, Options
from ..reading.vetting import vet
from .weight_sizes import check_weights, elements

WEIGHTS = archive.WEIGHTS[0]
_COLOURS = re.compile(r"\x1b\[\d*m")


def read(path: Path, options: Options) -> ReadResult:
    """The model of a .keras file, of Keras 3 or of Keras 2.12 to 2.15.

    Raises:
        PermissionDenied: it would run code, or reach for other files.
        InvalidArgument: it is damaged, or Keras can't build it.
        ResourceExhausted: it asks for more than it holds, or than there is.
    """
    raw, version = config_file.read(path)
    config, changes = repair(raw)
    vet(config, options)
    parts = _unpack(path, options.folder / "unpacked")
    with told(path, "can be built"):
        skeleton = check_weights(lambda: build(config, options), elements(parts / WEIGHTS))
        if is_keras2(raw):
            keras2_archive.arrange(parts / WEIGHTS, raw, skeleton)
    clean = _write(config, version, parts, options.folder / "clean.keras")
    with told(path, "can be loaded"):
        model = keras.saving.load_model(clean, compile=False, safe_mode=not options.trust)
        if is_keras2(raw):
            keras2_weights.mend(model)
    clean.unlink()
    way = "rebuilt as a Keras 3 model" if is_keras2(raw) else "loaded with Keras"
    return ReadResult(f"{made_by(version)} file: {outline(model)}", way, changes, model)


def outline(model: keras.Model) -> str:
    """What a model is, such as "Functional, 7 layers, 50,992 parameters"."""
    return f"{type(model).__name__}, {len(model.layers)} layers, {model.count_params():,} parameters"


def made_by(version: str) -> str:
    """What wrote a file, such as "Keras 2.12" for version 2.12.0; "Keras" for ""."""
    return f"Keras {'.'.join(version.split('.')[:2])}".strip()


@contextmanager
def told(path: Path, what: str) -> Iterator[None]:
    """Turns whatever Keras raises into an error in one line, for "Expected a model that ...".

    Raises InvalidArgument, or ResourceExhausted where memory is short.
    """
    try:
        with warnings.catch_warnings():
            # Its layers would keep random weights.
            warnings.filterwarnings("error", message="Skipping nested container")
            yield
    except ServingError:
        raise
    except Exception as error:
        # Keras puts the whole configuration in front of what went wrong.
        text = _COLOURS.sub("", str(error)).rpartition("Exception encountered: ")[2]
        shown = "".join(each for each in " ".join(text.split())[:300] if each.isprintable())
        reason = f"{type(error).__name__}: {shown}"
        if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
            raise ResourceExhausted(
                f"Expected a model that fits into memory. Received: {path.name} ({reason})"
            ) from error
        raise InvalidArgument(f"Expected a model that {what}. Received: {path.name} ({reason})") from error


def build_justified(path: Path, config: dict[str, Any], options: Options, held: int) -> keras.Model:
    """A model of a vetted configuration, with random weights, of which a file holds `held` numbers.

    Raises ServingError: Keras can't build it, or it has more weights than the file; `path` is named.
    """
    with told(path, "can be built"):
        check_weights(lambda: build(config, options), held)
        return build(config, options)


def build(config: dict[str, Any], options: Options) -> keras.Model:
    """A model of a vetted configuration, with random weights. Raises whatever Keras raises."""
    # A copy, as Keras takes configurations apart.
    model = keras.saving.deserialize_keras_object(copy.deepcopy(config), safe_mode=not options.trust)
    if not isinstance(model, keras.Model):
        raise InvalidArgument(f"Expected a model. Received: {type(model).__name__}")
    return model


def _unpack(path: Path, folder: Path) -> Path:
    with archive.open_checked(path) as opened:
        if WEIGHTS not in opened.NameToInfo:
            raise PermissionDenied(
                f"Expected weights as {WEIGHTS}. Received: {path.name}, with Python pickles of NumPy arrays "
                "(save the model again: model.save)"
            )
        archive.extract(opened, [WEIGHTS, *archive.members(opened, archive.ASSETS)], folder)
    return folder


def _write(config: dict[str, Any], version: str, parts: Path, place: Path) -> Path:
    """An archive of exactly what was checked; `parts` are gone then."""
    with zipfile.ZipFile(place, "w") as out:
        out.writestr(archive.CONFIG, json.dumps(config))
        out.writestr(archive.METADATA, json.dumps({"keras_version": version, "date_saved": ""}))
        for each in sorted(parts.rglob("*")):
            if each.is_file():
                out.write(each, each.relative_to(parts))
    shutil.rmtree(parts)
    return place
