"""Checks the input shapes of models with image operations. Some image operations of TensorFlow do not check shapes.

If the rank differs from the declared rank, these operations abort the process. If the number of channels differs, the
result depends on the processor: TensorFlow computes a grouped convolution if it uses oneDNN, and otherwise returns the
status UNIMPLEMENTED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ... import saved_model
from ...errors import InvalidArgument, ServingError
from ...wire.signature import SignatureDef
from ..base import Arrays
from ..graph import Graph

_OPERATIONS = ("Conv", "Pool", "BatchNorm", "SpaceTo", "DepthTo")
Shapes = Mapping[str, tuple[int, ...]]


def declared_shapes(folder: Path, tags: Sequence[str], signatures: Mapping[str, SignatureDef]) -> dict[str, Shapes]:
    """Returns the declared shape of each input, by signature name and input name.

    The dict of a signature is empty if the signature has no image operations, or if the SavedModel can't be read.
    """
    try:
        graph = Graph(saved_model.read_meta_graph(folder, tags).graph_def)
    except ServingError:  # TensorFlow reports the error when it loads the model
        return {name: {} for name in signatures}
    declared: dict[str, Shapes] = {}
    for name, signature in signatures.items():
        has_image_operations = any(word in node.op for node in graph.nodes_of(signature) for word in _OPERATIONS)
        shapes = {key: spec.shape for key, spec in signature.inputs.items() if spec.shape is not None}
        declared[name] = shapes if has_image_operations else {}
    return declared


def check(inputs: Arrays, shapes: Shapes) -> None:
    """Raises InvalidArgument if an input's rank or number of channels differs from the declared shape."""
    for name, shape in shapes.items():
        received = inputs[name].shape
        if len(received) != len(shape) or shape and shape[-1] not in (-1, received[-1]):
            raise InvalidArgument(f"Expected shape {list(shape)} for input {name}. Received: {list(received)}")
