"""Matches the weights of a TensorFlow.js model with the variables of the rebuilt Keras model, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from ...errors import InvalidArgument

Chain = tuple[str, ...]  # names of the nested layers that a variable is in, outermost first
# Variables with another name in TensorFlow.js and in Keras 2: class → {name in Keras 3: other name}.
_OTHER_NAMES = {"DepthwiseConv1D": {"kernel": "depthwise_kernel"}, "DepthwiseConv2D": {"kernel": "depthwise_kernel"}}


def load(model: keras.Model, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Assigns the weights to a model.

    For example, the weight `lstm/lstm_cell/kernel` is the variable `kernel` of the layer `lstm`, or of a layer inside
    `lstm`. The weight `dense/1` is the second variable of the layer `dense`. Parts of the name that are not layers of
    the model are ignored.

    Raises:
        InvalidArgument: a weight of the model is missing, fits several variables or none, or has another shape.
    """
    variables = list(_variables(model))
    known = {name for chain, _, _ in variables for name in chain}
    # Start with the names that have the most parts, because these names are the most specific.
    for name, array in sorted(arrays.items(), key=lambda item: -item[0].count("/")):
        *scopes, last = name.split("/")
        layers = [scope for scope in scopes if scope in known]
        matches = [each for each in variables if last in each.names and _is_within(layers, each.chain)]
        nearest = [each for each in matches if len(each.chain) == min(len(match.chain) for match in matches)]
        if len(nearest) != 1:
            raise InvalidArgument(
                f"Expected one variable of the model for weight {name!r}. Received: {len(nearest)} variables"
            )
        variables.remove(nearest[0])
        variable = nearest[0].variable
        if tuple(variable.shape) != array.shape:
            raise InvalidArgument(
                f"Expected weight {name!r} to have shape {list(variable.shape)}. Received: {list(array.shape)}"
            )
        variable.assign(array)
    if variables:
        missing = variables[0]
        raise InvalidArgument(f"The manifest has no weight {'/'.join((*missing.chain[1:], missing.names[0]))!r}")


class _Weight(NamedTuple):
    """A variable of a model.

    Attributes:
        chain: names of the layers that it is in.
        names: its names in TensorFlow.js and in Keras 3, and its number in the layer.
        variable: the variable.
    """

    chain: Chain
    names: tuple[str, ...]
    variable: Any


def _variables(layer: keras.layers.Layer, parents: Chain = ()) -> Iterator[_Weight]:
    """Yields each variable of a layer once."""
    seen: set[int] = set()
    queue = [(layer, parents)]
    while queue:
        each, chain = queue.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        chain = (*chain, each.name)
        others = _OTHER_NAMES.get(type(each).__name__, {})
        for number, variable in enumerate(each._trainable_variables + each._non_trainable_variables):
            yield _Weight(chain, (others.get(variable.name, variable.name), variable.name, str(number)), variable)
        queue += [(child, chain) for child in each._flatten_layers(include_self=False, recursive=False)]


def _is_within(scopes: list[str], chain: Chain) -> bool:
    """Whether `chain` contains all names in `scopes`, in the same order."""
    rest = iter(chain)
    return all(scope in rest for scope in scopes)
