"""Which weight of a TensorFlow.js model is which variable of the Keras model that was built of its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from ...errors import InvalidArgument

Chain = tuple[str, ...]  # the names of the layers that a variable is in, from the outside
_RENAMED = {"DepthwiseConv1D": ("depthwise_kernel", "kernel"), "DepthwiseConv2D": ("depthwise_kernel", "kernel")}


def load(model: keras.Model, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Gives a model its weights: `lstm/lstm_cell/kernel` is the `kernel` somewhere in the layer `lstm`.

    Scopes that are no layers of the model count for nothing.

    Raises:
        InvalidArgument: a weight is not there, is there but not in the model, or has another shape.
    """
    variables = dict(_variables(model))
    known = {name for chain, _ in variables for name in chain}
    for name, array in sorted(arrays.items(), key=lambda item: -item[0].count("/")):  # what says most comes first
        *scopes, last = name.split("/")
        inside = [scope for scope in scopes if scope in known]
        fitting = [key for key in variables if key[1] == last and _is_within(inside, key[0])]
        nearest = [key for key in fitting if len(key[0]) == min(len(chain) for chain, _ in fitting)]
        if len(nearest) != 1:
            raise InvalidArgument(f"Expected one place for weight {name!r}. Received: {len(nearest)} in the model")
        variable = variables.pop(nearest[0])
        if tuple(variable.shape) != array.shape:
            raise InvalidArgument(
                f"Expected weight {name!r} of shape {list(variable.shape)}. Received: {list(array.shape)}"
            )
        variable.assign(array)
    if variables:
        chain, last = next(iter(variables))
        raise InvalidArgument(f"Expected a weight {'/'.join((*chain[1:], last))!r}. Received: none in the manifest")


def _variables(layer: keras.layers.Layer, outside: Chain = ()) -> Iterator[tuple[tuple[Chain, str], Any]]:
    """The variables in a layer, each once, with their names in TensorFlow.js."""
    seen: set[int] = set()
    waiting = [(layer, outside)]
    while waiting:
        each, chain = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        chain = (*chain, each.name)
        old, new = _RENAMED.get(type(each).__name__, ("", ""))
        for variable in each._trainable_variables + each._non_trainable_variables:
            yield (chain, old if variable.name == new else variable.name), variable
        waiting += [(child, chain) for child in each._flatten_layers(include_self=False, recursive=False)]


def _is_within(scopes: list[str], chain: Chain) -> bool:
    """Whether the scopes are among a chain's names, in this order."""
    rest = iter(chain)
    return all(scope in rest for scope in scopes)
