"""Runs an ONNX file in ONNX Runtime, if it is installed, and compares the results with the converted model."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ...errors import FailedPrecondition
from ...export.comparing import difference, too_far
from ...signatures.outputs import different
from ..reading.causes import cause
from ..reading.result import Arrays

BATCHES = (1, 7)
OPEN_SIZE = 8  # size of unknown dimensions in the example inputs, except the batch


def name() -> str:
    """Returns the name and version of the runtime, such as "ONNX Runtime 1.31.1". Needs onnxruntime."""
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"


def reference_function(
    model: Any, new_names: Mapping[str, str], *, quantized: bool = False
) -> Callable[[Arrays], Arrays] | None:
    """Returns a function that runs a model in ONNX Runtime.

    Args:
        model: the `ModelProto`, without references to other files.
        new_names: maps the names of the model's inputs to the names of the function's inputs.
        quantized: whether the model rounds numbers to integers.

    Returns:
        The function, or None if ONNX Runtime is not installed or cannot load the model.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if quantized:  # compute in floats, as the converted model does, and not in integers
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # log only fatal errors, and no warnings about old operators
    try:
        data = model.SerializeToString()
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception:  # the errors of ONNX Runtime have no public class
        return None
    outputs = different([each.name for each in session.get_outputs()])

    def run(inputs: Arrays) -> Arrays:
        arrays: Sequence[np.ndarray[Any, Any]] = session.run(None, {old: inputs[new] for old, new in new_names.items()})
        return dict(zip(outputs, arrays, strict=True))

    return run


def compare(function: Any, reference: Callable[[Arrays], Arrays], tolerance: float) -> str:
    """Compares a concrete function with ONNX Runtime on random inputs. Returns the result as a line of text.

    Raises FailedPrecondition if the difference is above the tolerance.
    """
    worst = 0.0
    specs = function.structured_input_signature[0]
    for batch in BATCHES:
        inputs = _example(specs, batch)
        try:
            expected = reference(inputs)
        except Exception as error:  # the errors of ONNX Runtime have no public class
            return f"not compared with {name()}, which fails on random values: {cause(error)}"
        outputs = function(*(tf.constant(inputs[spec.name]) for spec in specs))
        for key, array in expected.items():
            deviation = difference(outputs[key].numpy(), array)
            if problem := too_far(deviation, tolerance):
                raise FailedPrecondition(
                    f"The converted model differs from {name()} (tolerance {tolerance:g}): output {key} is {problem}"
                )
            worst = max(worst, float(deviation))
    return f"compared with {name()}: largest difference {worst:.1g}"


def _example(specs: Sequence[Any], batch: int) -> Arrays:
    """Returns random inputs: floats in [0, 1), integers 0 or 1."""
    rng, inputs = np.random.default_rng(batch), {}
    for spec in specs:
        shape = [
            (OPEN_SIZE if at else batch) if size is None else size
            for at, size in enumerate([None, None] if spec.shape.rank is None else spec.shape)
        ]
        values = rng.random(shape) if spec.dtype.is_floating else rng.integers(0, 2, shape)
        inputs[spec.name] = values.astype(spec.dtype.as_numpy_dtype)
    return inputs
