"""What the weights of a model of Keras 2 need beside a repaired configuration."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .tables import SCALED

# Of each cell the blocks of its weights, and which of them go through the recurrent activation.
_GATES = {
    "LSTMCell": (True, True, False, True),  # input, forget, candidate, output
    "ConvLSTMCell": (True, True, False, True),
    "GRUCell": (True, True, False),  # update, reset, candidate
}
# Convolutions, which on Theano had their kernels turned round.
_TURNED = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTMCell")
_WEIGHTS = ("kernel", "recurrent_kernel", "bias")
# Layers whose function is not of a product with all their weights.
_LAST = {"SeparableConv1D": ("pointwise_kernel", "bias"), "SeparableConv2D": ("pointwise_kernel", "bias")}


def turn(model: keras.Model) -> None:
    """Turns the kernels of convolutions round, for a model that was saved on Theano. To be called once."""
    for layer in _layers(model):
        for name in ("kernel", "recurrent_kernel") if type(layer).__name__ in _TURNED else ():
            weight = getattr(layer, name, None)
            if weight is not None:
                array = keras.ops.convert_to_numpy(weight)
                weight.assign(np.flip(array, tuple(range(array.ndim - 2))))


def mend(model: keras.Model) -> None:
    """Makes a model answer as in Keras 2, when it was built of a repaired configuration and has its weights.

    To be called once. Multiplies the weights in front of functions whose name means in Keras 3 the same function of
    a multiple.
    """
    for layer in _layers(model):
        kind = type(layer).__name__
        if kind in _GATES:
            _scale(layer, _WEIGHTS, _factor(layer.recurrent_activation), _GATES[kind])
        elif kind == "Normalization":
            layer.finalize_state()
        elif kind not in ("Activation", "LSTM", "GRU", "SimpleRNN"):  # whose cells are layers
            _scale(layer, _LAST.get(kind, _WEIGHTS), _factor(getattr(layer, "activation", None)), (True,))


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Every layer that is somewhere in it, once."""
    return list({id(layer): layer for layer in model._flatten_layers()}.values())


def _factor(function: Any) -> float:
    return SCALED.get(getattr(function, "__name__", ""), 1.0)


def _scale(layer: keras.layers.Layer, weights: tuple[str, ...], factor: float, blocks: tuple[bool, ...]) -> None:
    if factor == 1.0:
        return
    factors = np.where(blocks, factor, 1.0)
    for name in weights:
        weight = getattr(layer, name, None)
        if weight is not None:
            array = keras.ops.convert_to_numpy(weight)
            each = np.repeat(factors, array.shape[-1] // len(blocks))
            weight.assign(array * (each if len(blocks) > 1 else factor))
