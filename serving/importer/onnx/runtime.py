"""ONNX Runtime, where it is installed: what an ONNX file answers in its own runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ...errors import FailedPrecondition
from ...export.comparing import difference, too_far
from ..reading.result import Arrays

TOLERANCE = 1e-4
BATCHES = (1, 7)
OPEN_SIZE = 8  # of what a file leaves open beside the batch


def name() -> str:
    """Such as "ONNX Runtime 1.31.1"; only where it is installed."""
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"


def of_model(model: Any, named: Mapping[str, str]) -> Callable[[Arrays], Arrays] | None:
    """What a model answers, by its outputs' names.

    Args:
        model: the `ModelProto`, which refers to no other files.
        named: its inputs, and what they are called in the arrays that the function is given.

    Returns:
        The function; None where ONNX Runtime is not installed, or does not take the model.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # it warns of old operators
    try:
        data = model.SerializeToString()
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception:  # what it raises has no class of its own
        return None
    outputs = [each.name for each in session.get_outputs()]

    def answer(inputs: Arrays) -> Arrays:
        found: Sequence[np.ndarray[Any, Any]] = session.run(None, {old: inputs[new] for old, new in named.items()})
        return dict(zip(outputs, found, strict=True))

    return answer


def compare(function: Any, old: Callable[[Arrays], Arrays]) -> str:
    """How far the answers of a concrete function are from the old ones, in words.

    Raises FailedPrecondition where that is too far.
    """
    worst = 0.0
    specs = function.structured_input_signature[0]
    for batch in BATCHES:
        inputs = _example(specs, batch)
        try:
            want = old(inputs)
        except Exception as error:  # as above
            reason = " ".join(str(error).split())[:200]
            return f"not compared with {name()}, which takes no random values: {reason}"
        found = function(*(tf.constant(inputs[spec.name]) for spec in specs))
        for key, array in want.items():
            off = difference(found[key].numpy(), array)
            if reason := too_far(off, TOLERANCE):
                raise FailedPrecondition(
                    f"Expected the SavedModel to answer as the file does (within {TOLERANCE:g}). "
                    f"Received: {key} {reason}"
                )
            worst = max(worst, float(off))
    return f"answers of {name()}: differ by {worst:.1g} at most"


def _example(specs: Sequence[Any], batch: int) -> Arrays:
    """Random values in [0, 1), zeros and ones for whole numbers."""
    rng, found = np.random.default_rng(batch), {}
    for spec in specs:
        shape = [
            (OPEN_SIZE if at else batch) if size is None else size
            for at, size in enumerate([None, None] if spec.shape.rank is None else spec.shape)
        ]
        values = rng.random(shape) if spec.dtype.is_floating else rng.integers(0, 2, shape)
        found[spec.name] = values.astype(spec.dtype.as_numpy_dtype)
    return found
