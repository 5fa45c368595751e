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
    """Writes the whole model with Keras's own layers only. Keeps sub-models. Returns a note on each replaced layer."""
    rebuilt, notes = plain(model)
    rebuilt.save(place)
    return notes


def runner(place: Path, endpoint: Endpoint) -> Callable[[Arrays], Arrays]:
    """Returns a function that loads and runs the file with Keras in a separate process."""
    return FreshProcess("keras", place, endpoint)
