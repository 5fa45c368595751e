"""Checks the input shapes of models with image operations. Some image operations of TensorFlow do not check shapes.

If the rank differs from the declared rank, these operations abort the process. If the number of channels differs, the
result depends on the processor: TensorFlow computes a grouped convolution if it uses oneDNN, and otherwise returns the
status UNIMPLEMENTED.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...errors import InvalidArgument
from ...wire.signature import SignatureDef
from ..base import Arrays

_OPERATIONS = ("Conv", "Pool", "BatchNorm", "SpaceTo", "DepthTo")
Shapes = Mapping[str, tuple[int, ...]]


def declared_shapes(signature: SignatureDef, operations: Collection[str]) -> Shapes:
    """Returns the declared shape of each input by name. Returns an empty dict if no operation is an image operation."""
    if not any(word in operation for operation in operations for word in _OPERATIONS):
        return {}
    return {key: spec.shape for key, spec in signature.inputs.items() if spec.shape is not None}


def check(inputs: Arrays, shapes: Shapes) -> None:
    """Raises InvalidArgument if an input's rank or number of channels differs from the declared shape."""
    for name, shape in shapes.items():
        received = inputs[name].shape
        if len(received) != len(shape) or shape and shape[-1] not in (-1, received[-1]):
            raise InvalidArgument(f"Expected shape {list(shape)} for input {name}. Received: {list(received)}")
