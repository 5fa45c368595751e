"""Builds the model of a weights-only file from its architecture in JSON, as `model.to_json` writes it."""

from __future__ import annotations

from pathlib import Path

import keras

from ...errors import InvalidArgument
from ..keras2.repair import repair
from ..reading import config as config_file
from ..reading import kinds
from ..reading.result import Options, ReadResult
from ..reading.vetting import vet
from .keras_file import build_checked
from .weight_sizes import elements


def read(path: Path, options: Options) -> ReadResult:
    """Raises InvalidArgument, because an architecture has no weights."""
    raise InvalidArgument(
        f"Expected a model with weights. Received: {path}, {kinds.NAMES['architecture']} (to import its file of "
        f"weights, run: gallery import WEIGHTS --like {path.name})"
    )


def build(path: Path, weights: Path, options: Options) -> tuple[keras.Model, list[str]]:
    """Returns the model with random weights, and a line of text for each change of an option or a layer.

    Args:
        path: an architecture of Keras 2 or 3.
        weights: the file of weights. The architecture may not need more weights than this file has.
        options: see `result.py`.

    Raises:
        PermissionDenied: the architecture would run code, or refers to files.
        FailedPrecondition: a layer has no equivalent in Keras 3.
        InvalidArgument: Keras cannot build the model.
        ResourceExhausted: the layers need more weights than the file has.
    """
    config, changes = repair(config_file.read_config(path))
    vet(config, options)
    return build_checked(path, config, options, elements(weights)), changes
