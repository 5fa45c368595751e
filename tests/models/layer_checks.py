"""Helpers for the tests of layers and models."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras_gallery.models.normalization import finalize


def to_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def penalty(layer: keras.layers.Layer, inputs: Any, weights: Any = None) -> Any:
    """Returns the sum of the losses that a layer or model adds for `inputs`. `gradient` can differentiate this sum.

    If `weights` is given, it replaces the trainable weights.
    """
    if not layer.built:
        layer.build(keras.tree.map_structure(np.shape, inputs))
    if weights is None:
        weights = layer.trainable_variables
    inputs = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
    *_, losses = layer.stateless_call(weights, layer.non_trainable_variables, inputs, return_losses=True)
    return sum(losses[1:], start=losses[0])


def from_config(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns a copy of the layer, rebuilt from its configuration."""
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
    return again


def randomise(model: keras.Model | keras.layers.Layer, seed: int = 0) -> list[np.ndarray]:
    """Sets all weights, including biases, to random values and returns these values. Variances stay above 0."""
    random = np.random.default_rng(seed)
    weights = []
    for weight in model.weights:
        least, most = (0.5, 1.5) if weight.name.endswith("variance") else (-0.5, 0.5)
        weights.append(random.uniform(least, most, weight.shape).astype(weight.dtype))
    model.set_weights(weights)
    if isinstance(model, keras.Model):
        finalize(model)
    return weights
