"""A model as a .keras file that Keras alone loads, without this project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras

from ..signatures import Endpoint
from .fresh_process import Arrays, FreshProcess, version
from .plain import plain

SUFFIX, WHOLE = ".keras", True


def runtime(place: Path) -> str:
    """Keras and its version."""
    return version("keras")


def write(model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Writes the whole model by Keras's own layers, sub-models as such."""
    made, notes = plain(model)
    made.save(place)
    return notes


def runner(place: Path, endpoint: Endpoint) -> Callable[[Arrays], Arrays]:
    """Answers in a fresh process, as `keras.models.load_model` gives it there."""
    return FreshProcess("keras", place, endpoint)
