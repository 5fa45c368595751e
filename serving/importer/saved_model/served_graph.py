"""Exports a SavedModel that is served unchanged: adds OpenVINO files and warm-up requests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ... import saved_model
from ...errors import InvalidArgument
from ...export.openvino import write_openvino
from ...export.writing import write_warmup
from ...wire import dtypes
from ...wire.signature import SignatureDef
from ..reading.causes import cause
from ..reading.result import Arrays

OPEN_SIZE = 8  # size of unknown dimensions in the example inputs, except the batch


def write(source: Path, name: str, target: Path, progress: Callable[[str], None]) -> tuple[list[str], Any]:
    """Copies the SavedModel in `source` to `target`, and adds OpenVINO files and warm-up requests.

    Returns:
        A line of text for each signature without a warm-up request, and the SavedModel that TensorFlow has loaded from
        `target`.
    """
    progress("Copying the SavedModel")
    shutil.copytree(source, target)
    progress("Converting the signatures for OpenVINO, and comparing both engines")
    write_openvino(target)
    progress("Running each signature in TensorFlow")
    try:
        loaded = tf.saved_model.load(str(target))
    except (tf.errors.OpError, OSError, LookupError, ValueError) as error:
        raise InvalidArgument(f"The variables of the SavedModel cannot be read ({cause(error)})") from None
    examples, notes = {}, []
    for signature in saved_model.read_signatures(target).values():
        if signature.name not in loaded.signatures:
            continue
        inputs = _example(signature)
        if inputs is None:
            notes.append(f"signature {signature.name}: not tried, because it takes strings")
            continue
        try:
            loaded.signatures[signature.name](**{key: tf.constant(value) for key, value in inputs.items()})
        except (tf.errors.OpError, ValueError, TypeError) as error:
            notes.append(f"signature {signature.name}: not tried, because it fails on random values: {cause(error)}")
            continue
        examples[signature.name] = inputs
    write_warmup(target, name, examples)
    return notes, loaded


def _example(signature: SignatureDef) -> Arrays | None:
    """Returns random inputs: floats in [0, 1), integers 0 or 1. Returns None if an input takes strings."""
    rng = np.random.default_rng(0)
    inputs = {}
    for name, spec in signature.inputs.items():
        if spec.dtype is dtypes.STRING:
            return None
        shape = [1, OPEN_SIZE] if spec.shape is None else list(spec.shape)
        sizes = [(1 if at == 0 else OPEN_SIZE) if size < 0 else size for at, size in enumerate(shape)]
        is_integer = spec.dtype.numpy.kind in "iub"
        inputs[name] = (rng.integers(0, 2, sizes) if is_integer else rng.random(sizes)).astype(spec.dtype.numpy)
    return inputs
