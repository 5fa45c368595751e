"""A SavedModel that is served as it is: what an export adds to a graph that is already one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from ... import saved_model
from ...export.writing import write_openvino, write_warmup
from ...wire import dtypes
from ...wire.signature import SignatureDef
from ..reading.result import Arrays

OPEN_SIZE = 8  # of a dimension that the signature leaves open


def write(source: Path, name: str, place: Path) -> list[str]:
    """Copies the SavedModel in `source` to `place`, with OpenVINO's files and warm-up requests.

    Returns:
        A line for each signature that could not be tried.
    """
    shutil.copytree(source, place)
    write_openvino(place)
    loaded = tf.saved_model.load(str(place))
    tried, notes = {}, []
    for signature in saved_model.read_signatures(place).values():
        if signature.name not in loaded.signatures:
            continue
        inputs = _example(signature)
        if inputs is None:
            notes.append(f"signature {signature.name}: not tried, there is no telling which strings it takes")
            continue
        try:
            loaded.signatures[signature.name](**{key: tf.constant(value) for key, value in inputs.items()})
        except (tf.errors.OpError, ValueError, TypeError) as error:
            notes.append(f"signature {signature.name}: not tried, it takes no random values: {_line(error)}")
            continue
        tried[signature.name] = inputs
    write_warmup(place, name, tried)
    return notes


def _example(signature: SignatureDef) -> Arrays | None:
    """Random values in [0, 1), zeros and ones for whole numbers; None for strings."""
    rng = np.random.default_rng(0)
    found = {}
    for name, spec in signature.inputs.items():
        if spec.dtype is dtypes.STRING:
            return None
        shape = [1, OPEN_SIZE] if spec.shape is None else list(spec.shape)
        sizes = [(1 if at == 0 else OPEN_SIZE) if size < 0 else size for at, size in enumerate(shape)]
        whole = spec.dtype.numpy.kind in "iub"
        found[name] = (rng.integers(0, 2, sizes) if whole else rng.random(sizes)).astype(spec.dtype.numpy)
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
