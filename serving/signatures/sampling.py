"""Finds the mean from which a layer of a variational autoencoder draws a random sample."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from .outputs import output_names

# Words in the names of the layers that compute the mean and the scale of a distribution.
MEANS = frozenset(("mean", "means", "mu"))
SCALES = frozenset(("var", "variance", "logvar", "log", "std", "stddev", "sigma", "scale"))
_VALUES = (3.0, 0.5)  # the inputs of a trial: they are far apart, and both can be a scale
_DRAWS, _OPEN_SIZE = 4096, 4
_TOLERANCE = 0.5  # the mean of 4,096 draws is closer, even if the scale is exp(1.5)


def words(name: str) -> list[str]:
    """Splits a name into words in lower case: `zMean_1` and `z_mean1` become z, mean and 1."""
    return re.findall(r"[a-z]+|[0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())


def named_mean(names: Sequence[str]) -> str | None:
    """Returns the only name that says that it is a mean, such as `z_mean` or `mu`, or None."""
    means = [name for name in names if MEANS & set(words(name))]
    return means[0] if len(means) == 1 else None


def name_of(tensor: Any) -> str:
    """Returns the name of the layer that computes a tensor, or the name of this output of a nested model."""
    layer, _, index = tensor._keras_history
    names = output_names(layer) if isinstance(layer, keras.Model) and getattr(layer, "outputs", None) else []
    return names[index] if index < len(names) else str(layer.name)


def origin(tensor: Any) -> Any:
    """Returns the tensor inside nested models that a nested model returns as `tensor`."""
    layer, _, index = tensor._keras_history
    inner = getattr(layer, "outputs", None) if isinstance(layer, keras.Model) else None
    return origin(inner[index]) if inner and index < len(inner) else tensor


def parameters(sample: Any) -> tuple[list[Any], Any] | None:
    """Returns the tensors from which a layer draws `sample`, and the tensor among them that is the mean.

    The names of the tensors' layers say which one is the mean. If they do not, and the layer is the user's own, the
    function runs the layer on two constants: the random values then lie around one of them.

    Returns:
        The tensors and the mean. None if `sample` is not drawn from a mean and a scale.
    """
    operation, number, _ = sample._keras_history
    if not operation._inbound_nodes:
        return None
    call = operation._inbound_nodes[number]
    tensors = [each for each in call.input_tensors if each.shape == sample.shape]
    names = [name_of(each) for each in tensors]
    mean = named_mean(names)
    if mean and any(SCALES & set(words(name)) for name in names):
        return tensors, tensors[names.index(mean)]
    is_own = type(operation).__module__.partition(".")[0] != "keras" or isinstance(operation, keras.layers.Lambda)
    if len(tensors) != 2 or len(call.input_tensors) != 2 or not is_own:
        return None
    place = _trial(operation, call, tensors)
    return None if place is None else (tensors, tensors[place])


def _trial(operation: Any, call: Any, tensors: Sequence[Any]) -> int | None:
    """Returns which of two inputs of a layer is the mean of its random output, or None if neither is."""
    sizes = [size or _OPEN_SIZE for size in tensors[0].shape[1:]]
    shape = (max(2, _DRAWS // max(1, math.prod(sizes))), *sizes)
    pairs = zip(tensors, _VALUES, strict=True)
    try:
        values = {id(each): keras.ops.full(shape, value, dtype=each.dtype) for each, value in pairs}
        args, kwargs = call.arguments.fill_in(values)
        drawn = np.asarray(operation(*args, **kwargs), np.float64)
    except Exception:  # the user's code can raise any error
        return None
    if drawn.shape != shape or not drawn.std() > 1e-3:
        return None
    near = [place for place, value in enumerate(_VALUES) if abs(drawn.mean() - value) < _TOLERANCE]
    return near[0] if near else None
