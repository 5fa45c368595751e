"""Refuses inputs on which some image operations of TensorFlow do not raise an error.

For a tensor of another rank than the signature declares, they abort the process. For another number of channels, the
answer depends on the processor: with oneDNN a grouped convolution, without it the status UNIMPLEMENTED.
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
    """The declared shape of each input to check, by signature: none for signatures without such operations."""
    try:
        graph = Graph(saved_model.read_meta_graph(folder, tags).graph_def)
    except ServingError:  # TensorFlow says what is wrong
        return {name: {} for name in signatures}
    found: dict[str, Shapes] = {}
    for name, signature in signatures.items():
        has_image_operations = any(word in node.op for node in graph.nodes_of(signature) for word in _OPERATIONS)
        shapes = {key: spec.shape for key, spec in signature.inputs.items() if spec.shape is not None}
        found[name] = shapes if has_image_operations else {}
    return found


def check(inputs: Arrays, shapes: Shapes) -> None:
    """Raises InvalidArgument for an input of another rank or another number of channels than declared."""
    for name, shape in shapes.items():
        received = inputs[name].shape
        if len(received) != len(shape) or shape and shape[-1] not in (-1, received[-1]):
            raise InvalidArgument(f"Expected shape {list(shape)} for input {name}. Received: {list(received)}")
