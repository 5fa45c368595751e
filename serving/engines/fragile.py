"""Keeps from TensorFlow what would end its process: some operations on images do not raise an error for a tensor of
a rank that the signature does not declare, but abort."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .. import saved_model
from ..errors import InvalidArgument
from ..saved_model import SignatureDef
from .base import Arrays

_OPERATIONS = (b"Conv", b"Pool", b"BatchNorm", b"SpaceTo", b"DepthTo", b"Resize")
Ranks = Mapping[str, Mapping[str, tuple[int, ...]]]


def ranks(folder: Path, signatures: Mapping[str, SignatureDef]) -> Ranks:
    """For each signature the shapes of those inputs whose rank must be the declared one; without such operations
    in the SavedModel: none."""
    file = saved_model.model_file(folder)
    graph = file.read_bytes() if file else b""
    fragile = any(operation in graph for operation in _OPERATIONS)
    return {
        name: {key: spec.shape for key, spec in each.inputs.items() if fragile and spec.shape is not None}
        for name, each in signatures.items()
    }


def check(inputs: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises InvalidArgument for an input of another rank."""
    for name, shape in shapes.items():
        if inputs[name].ndim != len(shape):
            raise InvalidArgument(
                f"Expected shape {list(shape)} for input {name}. Received: {list(inputs[name].shape)}"
            )
