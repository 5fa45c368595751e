"""Exports a signature to an ONNX file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..errors import FailedPrecondition
from ..signatures import Endpoint
from .concrete import frozen

SUFFIX, WHOLE = ".onnx", False
OPSET = 17
Arrays = dict[str, np.ndarray[Any, Any]]


def runtime(place: Path) -> str:
    """Returns the version of ONNX Runtime."""
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"


def write(model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Writes the endpoint with the same names of inputs and outputs, and a dynamic batch size. Returns no notes."""
    try:
        import onnx
        import tf2onnx
    except ImportError:
        raise FailedPrecondition("tf2onnx is not installed: pip install '.[convert]'") from None
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    try:
        converted, _ = tf2onnx.convert.from_function(frozen(endpoint), endpoint.inputs, opset=OPSET)
    except Exception as error:  # tf2onnx raises errors of many types
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        raise FailedPrecondition(f"tf2onnx cannot convert the signature: {reason}") from error
    if unknown := sorted({name for name in _operations(converted.graph) if not onnx.defs.has(name)}):
        raise FailedPrecondition(f"The signature has operations that ONNX lacks: {', '.join(unknown)}")
    place.write_bytes(converted.SerializeToString())
    return []


def _operations(graph: Any) -> Iterator[str]:
    """Yields the names of the operations in a graph and in the bodies of its loops."""
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _operations(attribute.g)


def runner(place: Path, endpoint: Endpoint) -> Callable[[Arrays], Arrays]:
    """Returns a function that runs the file in ONNX Runtime, on the CPU."""
    try:
        import onnxruntime
    except ImportError:
        raise FailedPrecondition("ONNX Runtime is not installed: pip install '.[convert]'") from None
    session = onnxruntime.InferenceSession(str(place), providers=["CPUExecutionProvider"])
    used = [each.name for each in session.get_inputs()]
    names = [each.name for each in session.get_outputs()]

    def run(inputs: Arrays) -> Arrays:
        return dict(zip(names, session.run(None, {name: inputs[name] for name in used}), strict=True))

    return run
