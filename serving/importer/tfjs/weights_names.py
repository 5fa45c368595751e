"""Matches the weights of a TensorFlow.js model with the variables of the rebuilt Keras model, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from ...errors import InvalidArgument

Chain = tuple[str, ...]  # names of the nested layers that a variable is in, outermost first
# Variables with another name in TensorFlow.js: class → (name in TensorFlow.js, name in Keras 3).
_RENAMED = {"DepthwiseConv1D": ("depthwise_kernel", "kernel"), "DepthwiseConv2D": ("depthwise_kernel", "kernel")}


def load(model: keras.Model, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Assigns the weights to a model.

    For example, the weight `lstm/lstm_cell/kernel` is the variable `kernel` of the layer `lstm`, or of a layer inside
    `lstm`. Parts of the name that are not layers of the model are ignored.

    Raises:
        InvalidArgument: a weight of the model is missing, fits several variables or none, or has another shape.
    """
    variables = dict(_variables(model))
    known = {name for chain, _ in variables for name in chain}
    # Start with the names that have the most parts, because these names are the most specific.
    for name, array in sorted(arrays.items(), key=lambda item: -item[0].count("/")):
        *scopes, last = name.split("/")
        layers = [scope for scope in scopes if scope in known]
        matches = [key for key in variables if key[1] == last and _is_within(layers, key[0])]
        nearest = [key for key in matches if len(key[0]) == min(len(chain) for chain, _ in matches)]
        if len(nearest) != 1:
            raise InvalidArgument(
                f"Expected one variable of the model for weight {name!r}. Received: {len(nearest)} variables"
            )
        variable = variables.pop(nearest[0])
        if tuple(variable.shape) != array.shape:
            raise InvalidArgument(
                f"Expected weight {name!r} to have shape {list(variable.shape)}. Received: {list(array.shape)}"
            )
        variable.assign(array)
    if variables:
        chain, last = next(iter(variables))
        raise InvalidArgument(f"The manifest has no weight {'/'.join((*chain[1:], last))!r}")


def _variables(layer: keras.layers.Layer, parents: Chain = ()) -> Iterator[tuple[tuple[Chain, str], Any]]:
    """Yields ((chain of layers, name in TensorFlow.js), variable) once for each variable of a layer."""
    seen: set[int] = set()
    queue = [(layer, parents)]
    while queue:
        each, chain = queue.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        chain = (*chain, each.name)
        old, new = _RENAMED.get(type(each).__name__, ("", ""))
        for variable in each._trainable_variables + each._non_trainable_variables:
            yield (chain, old if variable.name == new else variable.name), variable
        queue += [(child, chain) for child in each._flatten_layers(include_self=False, recursive=False)]


def _is_within(scopes: list[str], chain: Chain) -> bool:
    """Whether `chain` contains all names in `scopes`, in the same order."""
    rest = iter(chain)
    return all(scope in rest for scope in scopes)
