"""Fits the normalisation layers of a model to its training data.

Keras's `Normalization` computes with constants derived from its weights. After `set_weights`, a model still uses the
old constants until `finalize` is called. Saving and loading a model keeps weights and constants consistent.
"""

from typing import Any

import keras
import numpy as np


def adapt(model: keras.Model, x: Any, y: Any = None) -> None:
    """Sets mean and variance of a model's normalisation layers from the training data.

    The layers `normalization` and `denormalization` (its inverse) are fitted to the values that reach `normalization`:
    the features, or the output of the layers before it, such as flattened pixels or seasonal differences. For
    sequences, the statistics are taken over all steps of all sequences. The layer `prediction` is fitted to the
    targets. If the model lacks one of these layers, nothing is done for it.

    Call it before the model is compiled: a training step that is already traced keeps the old constants.

    Args:
        model: a model of the gallery.
        x: the training inputs `(n, …)`.
        y: the training targets `(n, outputs)`, for a regressor.
    """
    layers = {layer.name: layer for layer in model.layers}
    if "normalization" in layers:
        inputs = keras.Model(model.input, layers["normalization"].input)(x)
        values = np.asarray(keras.ops.convert_to_numpy(inputs), np.float64)
        for name in {"normalization", "denormalization"} & layers.keys():
            _fit(layers[name], values.reshape(-1, values.shape[-1]))
    if "prediction" in layers and y is not None:
        _fit(layers["prediction"], np.asarray(y, np.float64).reshape(len(y), -1))


def finalize(model: keras.Model) -> None:
    """Updates the constants of all normalisation layers after a call of `set_weights`."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _fit(layer: keras.layers.Normalization, values: Any) -> None:
    # For a constant feature Keras would divide by 1e-7: any other value of it at inference would become huge.
    constant = values.min(axis=0) == values.max(axis=0)
    layer.adapt_mean.assign(values.mean(axis=0))
    layer.adapt_variance.assign(np.where(constant, 1.0, values.var(axis=0)))
    layer.finalize_state()
