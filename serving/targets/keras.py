"""Exports a model to a .keras file that Keras loads without this project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras

from ..signatures import Endpoint
from .fresh_process import Arrays, FreshProcess, version
from .plain import plain

SUFFIX, WHOLE = ".keras", True


def runtime(place: Path) -> str:
    """Returns the version of Keras."""
    return version("keras")


def write(model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Writes the whole model with Keras's own layers only. Sub-models stay."""
    made, notes = plain(model)
    made.save(place)
    return notes


def runner(place: Path, endpoint: Endpoint) -> Callable[[Arrays], Arrays]:
    """Loads the file with `keras.models.load_model` in a separate process, and runs it there."""
    return FreshProcess("keras", place, endpoint)
