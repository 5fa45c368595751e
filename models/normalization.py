"""Fitting a model's normalisation to its training data.

Keras's `Normalization` computes with constants that it makes of its weights: a model whose weights were set by
`set_weights` goes on with the old ones until `finalize` is called. Saving and loading keeps both.
"""

from typing import Any

import keras
import numpy as np


def adapt(model: keras.Model, x: Any, y: Any = None) -> None:
    """Fits `normalization` and its inverse `denormalization` to what comes in there, and `prediction` to the targets.

    What comes in are the features, or what the layers before make of them: pixels in a row, or changes since the
    last season. Of sequences, every step of every one counts.

    A layer that the model does not have is passed over. To be called before the model is compiled: a step that
    is already traced keeps the old constants.

    Args:
        model: any of the gallery's.
        x: the training inputs `(n, …)`.
        y: the training targets `(n, outputs)`, for a regressor.
    """
    layers = {layer.name: layer for layer in model.layers}
    if "normalization" in layers:
        seen = keras.Model(model.input, layers["normalization"].input)(x)
        values = np.asarray(keras.ops.convert_to_numpy(seen), np.float64)
        for name in {"normalization", "denormalization"} & layers.keys():
            _fit(layers[name], values.reshape(-1, values.shape[-1]))
    if "prediction" in layers and y is not None:
        _fit(layers["prediction"], np.asarray(y, np.float64).reshape(len(y), -1))


def finalize(model: keras.Model) -> None:
    """Brings the normalisation up to date with weights that `set_weights` has set."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _fit(layer: keras.layers.Normalization, values: Any) -> None:
    # Where a feature never varies, Keras would divide by 1e-7: another value, once served, would count for millions.
    constant = values.min(axis=0) == values.max(axis=0)
    layer.adapt_mean.assign(values.mean(axis=0))
    layer.adapt_variance.assign(np.where(constant, 1.0, values.var(axis=0)))
    layer.finalize_state()
