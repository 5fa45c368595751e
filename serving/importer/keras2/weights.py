"""Adjusts the weights of a Keras 2 file after they are loaded into the rebuilt Keras 3 model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .tables import SCALED

# Gates of each recurrent cell, in the order of the weights. True: the gate uses the recurrent activation.
_GATES = {
    "LSTMCell": (True, True, False, True),  # input, forget, candidate, output
    "ConvLSTMCell": (True, True, False, True),
    "GRUCell": (True, True, False),  # update, reset, candidate
}
# Convolutions whose kernels are flipped in files from Theano.
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTMCell")
_WEIGHTS = ("kernel", "recurrent_kernel", "bias")
# Layers with several kernels, and the weights that are applied last, just before the activation. `adjust` multiplies
# only these weights.
_LAST_WEIGHTS = {"SeparableConv1D": ("pointwise_kernel", "bias"), "SeparableConv2D": ("pointwise_kernel", "bias")}


def flip_kernels(model: keras.Model) -> None:
    """Flips the kernels of convolutions, for a model that was saved with the Theano backend. Call this only once."""
    for layer in _layers(model):
        for name in ("kernel", "recurrent_kernel") if type(layer).__name__ in _CONVOLUTIONS else ():
            weight = getattr(layer, name, None)
            if weight is not None:
                array = keras.ops.convert_to_numpy(weight)
                weight.assign(np.flip(array, tuple(range(array.ndim - 2))))


def adjust(model: keras.Model) -> None:
    """Adjusts the loaded weights of a rebuilt model, so that the model computes the same values as in Keras 2.

    Call this only once. For some activations f (`tables.SCALED`), f(x) in Keras 2 equals f(factor · x) in Keras 3. The
    weights before such an activation are multiplied by the factor. Normalization layers compute their state from the
    loaded weights.
    """
    for layer in _layers(model):
        class_name = type(layer).__name__
        if class_name in _GATES:
            _scale(layer, _WEIGHTS, _factor(layer.recurrent_activation), _GATES[class_name])
        elif class_name == "Normalization":
            layer.finalize_state()
        # The cells of LSTM, GRU and SimpleRNN are layers, too, and are adjusted on their own.
        elif class_name not in ("Activation", "LSTM", "GRU", "SimpleRNN"):
            _scale(layer, _LAST_WEIGHTS.get(class_name, _WEIGHTS), _factor(getattr(layer, "activation", None)), (True,))


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns every layer of a model once, at any depth."""
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
