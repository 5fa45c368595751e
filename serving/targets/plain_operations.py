"""Replaces `keras.ops` in a functional model with layers, which more runtimes support."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

_MERGE_LAYERS = {
    "Add": layers.Add,
    "Subtract": layers.Subtract,
    "Multiply": layers.Multiply,
    "Maximum": layers.Maximum,
    "Minimum": layers.Minimum,
}
_ACTIVATIONS = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus"}


def as_layers(operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Calls layers instead of an operation. Returns the outputs, or None if no layer computes the same values."""
    kind, name = type(operation).__name__, operation.name
    if keywords:
        return None
    if kind in _MERGE_LAYERS and _are_alike(arguments):
        return _MERGE_LAYERS[kind](name=name)(list(arguments))
    if kind in _ACTIVATIONS:
        return layers.Activation(_ACTIVATIONS[kind], name=name)(*arguments)
    if kind == "Concatenate" and operation.axis:
        return layers.Concatenate(operation.axis, name=name)(list(arguments[0]))
    if kind == "Split" and operation.axis in (1, -1) and isinstance(operation.indices_or_sections, int):
        return _columns(arguments[0], operation.indices_or_sections, name)
    return None


def _are_alike(arguments: tuple[Any, ...]) -> bool:
    """Returns whether all arguments are tensors of equal rank and dtype.

    For other arguments, layers and operations broadcast differently.
    """
    if not all(isinstance(each, keras.KerasTensor) for each in arguments):
        return False
    return len({(len(each.shape), each.dtype) for each in arguments}) == 1


def _columns(x: Any, count: int, name: str) -> Any:
    """Splits x (batch, n) into `count` parts (batch, n / count). Returns None for other shapes of x."""
    if len(x.shape) != 2 or x.shape[1] is None:
        return None
    size, dtype = x.shape[1] // count, x.dtype
    rows = layers.Reshape((x.shape[1], 1), dtype=dtype, name=f"{name}_rows")(x)
    parts = []
    for number in range(count):
        cropping = (number * size, x.shape[1] - (number + 1) * size)
        part = layers.Cropping1D(cropping, dtype=dtype, name=f"{name}_crop_{number + 1}")(rows)
        parts.append(layers.Reshape((size,), dtype=dtype, name=f"{name}_{number + 1}")(part))
    return parts
