"""Keeps from TensorFlow what would end its process: some operations on images do not raise an error for a tensor of
a rank that the signature does not declare, but abort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import saved_model
from ..errors import InvalidArgument, ServingError
from ..saved_model import SignatureDef
from .base import Arrays
from .conversion_rules import Graph

_OPERATIONS = ("Conv", "Pool", "BatchNorm", "SpaceTo", "DepthTo")
Shapes = Mapping[str, tuple[int, ...]]


def ranks(folder: Path, tags: Sequence[str], signatures: Mapping[str, SignatureDef]) -> dict[str, Shapes]:
    """For each signature the shapes of those inputs whose rank must be the declared one: none where it has no such
    operations."""
    try:
        graph = Graph(saved_model.read_meta_graph(folder, tags).graph_def)
    except ServingError:  # TensorFlow says what is wrong
        return {name: {} for name in signatures}
    found: dict[str, Shapes] = {}
    for name, signature in signatures.items():
        fragile = any(word in node.op for node in graph.nodes_of(signature) for word in _OPERATIONS)
        shapes = {key: spec.shape for key, spec in signature.inputs.items() if spec.shape is not None}
        found[name] = shapes if fragile else {}
    return found


def check(inputs: Arrays, shapes: Shapes) -> None:
    """Raises InvalidArgument for an input of another rank."""
    for name, shape in shapes.items():
        if inputs[name].ndim != len(shape):
            raise InvalidArgument(
                f"Expected shape {list(shape)} for input {name}. Received: {list(inputs[name].shape)}"
            )
