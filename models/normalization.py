"""Fitting a model's normalisation to its training data.

Keras's `Normalization` computes with constants that it makes of its weights: a model whose weights were set by
`set_weights` goes on with the old ones until `finalize` is called. Saving and loading keeps both.
"""

from typing import Any

import keras
import numpy as np


def adapt(model: keras.Model, x: Any, y: Any = None) -> None:
    """Fits the layer `normalization` to the features and the layer `prediction` to the targets.

    A layer that the model does not have is passed over. To be called before the model is compiled: a step that
    is already traced keeps the old constants.

    Args:
        model: any of the gallery's.
        x: the training features `(n, …)`.
        y: the training targets `(n, outputs)`, for a regressor.
    """
    for name, values in (("normalization", x), ("prediction", y)):
        if values is not None and name in {layer.name for layer in model.layers}:
            _fit(model.get_layer(name), np.asarray(values, np.float64).reshape(len(values), -1))


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
