"""Compares the layer `TiedDense` with NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models.layers.tied_dense import TiedDense

from ..layer_checks import from_config, randomise, to_numpy

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4, 5)).astype(np.float32)
H = RANDOM.normal(size=(4, 3)).astype(np.float32)


def create_layer(**options: Any) -> TiedDense:
    layer = TiedDense(3, "tanh", "sigmoid", **options)
    layer.build(X.shape)
    return layer


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def test_encode_and_decode() -> None:
    layer = create_layer()
    kernel, b, c = randomise(layer)
    w = kernel.T  # (3, 5)
    np.testing.assert_allclose(to_numpy(layer(X)), np.tanh(X @ w.T + b), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_numpy(layer(H, back=True)), sigmoid(H @ w + c), rtol=1e-5, atol=1e-6)


def test_encode_and_decode_without_biases() -> None:
    layer = create_layer(use_bias=False)
    (kernel,) = randomise(layer)
    np.testing.assert_allclose(to_numpy(layer(X)), np.tanh(X @ kernel), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_numpy(layer(H, back=True)), sigmoid(H @ kernel.T), rtol=1e-5, atol=1e-6)


def test_layer_has_one_kernel() -> None:
    shapes = {weight.name: tuple(weight.shape) for weight in create_layer().trainable_weights}
    assert shapes == {"kernel": (5, 3), "bias": (3,), "back_bias": (5,)}
    assert [weight.name for weight in create_layer(use_bias=False).weights] == ["kernel"]


def test_output_shapes_of_symbolic_inputs() -> None:
    layer = TiedDense(3)
    h = layer(keras.Input((5,)))
    assert h.shape == (None, 3)
    assert layer(h, back=True).shape == (None, 5)


@pytest.mark.parametrize("use_bias", [True, False])
def test_layer_can_be_rebuilt_from_config(use_bias: bool) -> None:
    layer = create_layer(use_bias=use_bias)
    again = from_config(layer)
    again.set_weights(randomise(layer))
    for inputs, back in ((X, False), (H, True)):
        np.testing.assert_array_equal(to_numpy(again(inputs, back=back)), to_numpy(layer(inputs, back=back)))


def test_output_is_the_same_in_training_and_inference() -> None:
    model = keras.Sequential([create_layer()])
    np.testing.assert_array_equal(to_numpy(model(X, training=True)), to_numpy(model(X, training=False)))
