"""Fits the normalisation layers of a model to the training data.

Keras's `Normalization` layer computes with constants that Keras derives from the weights of the layer. After
`set_weights`, a model still uses the old constants until `finalize` is called. A model that is loaded from a file needs
no call of `finalize`.
"""

from typing import Any

import keras
import numpy as np


def adapt(model: keras.Model, x: Any, y: Any = None) -> None:
    """Sets the mean and the variance of a model's normalisation layers from the training data.

    The layer `normalization` and its inverse `denormalization` are fitted to the inputs of the layer `normalization`:
    the features, or the output of earlier layers, such as flattened pixels or seasonal differences. For sequences, the
    mean and the variance are computed over all steps of all sequences. The layer `prediction` is fitted to the targets.
    `adapt` ignores layers that the model does not have.

    Call `adapt` before the model is compiled: a training step that Keras has already traced keeps the old constants.

    Args:
        model: a model of the gallery.
        x: the training inputs `(n, …)`.
        y: the training targets `(n, outputs)`. Without targets, the layer `prediction` is not changed.
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
    # Keras would divide a constant feature by 1e-7. A different value of the feature at inference would become huge.
    constant = values.min(axis=0) == values.max(axis=0)
    layer.adapt_mean.assign(values.mean(axis=0))
    layer.adapt_variance.assign(np.where(constant, 1.0, values.var(axis=0)))
    layer.finalize_state()
