"""Compares `dense_autoencoder` with its formulas in NumPy, and derivatives with automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.losses import BinaryCrossentropy, SquaredError

from ..gradients import gradient

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(0.05, 0.95, (4, 9)).astype(np.float32)
X_HAT = RANDOM.uniform(0.05, 0.95, (4, 9)).astype(np.float32)

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "linear": lambda a: a,
}


@pytest.mark.parametrize("g", ACTIVATIONS)
@pytest.mark.parametrize("f", ["sigmoid", "linear"])
def test_output_equals_formula(g: str, f: str) -> None:
    """The formulas are h = g(Wx + b) and x̂ = f(W*h + c)."""
    model = create("dense_autoencoder", image_shape=(3, 3, 1), code_dim=2, code_activation=g, output_activation=f)
    weights = [RANDOM.normal(size=weight.shape).astype(np.float32) for weight in model.weights]
    model.set_weights(weights)
    w, b, w_star, c = weights  # Keras stores W and W* transposed: (9, 2) and (2, 9)
    h = ACTIVATIONS[g](X @ w + b)
    x_hat = ACTIVATIONS[f](h @ w_star + c)
    images = X.reshape(-1, 3, 3, 1)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.get_layer("encoder")(images)), h, atol=1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(images)), x_hat.reshape(images.shape), atol=1e-5)


def squared_error(x_hat: Any) -> Any:
    return len(X) * SquaredError()(X, x_hat)  # the sum over the batch


def cross_entropy(x_hat: Any) -> Any:
    return len(X) * BinaryCrossentropy()(X, x_hat)


def test_derivative_of_the_squared_error() -> None:
    np.testing.assert_allclose(gradient(squared_error, X_HAT), 2 * (X_HAT - X), rtol=1e-4, atol=1e-5)


def test_derivative_of_the_cross_entropy() -> None:
    by_hand = -X / X_HAT + (1 - X) / (1 - X_HAT)
    np.testing.assert_allclose(gradient(cross_entropy, X_HAT), by_hand, rtol=1e-4, atol=1e-4)


def test_the_cross_entropy_is_smallest_at_the_input() -> None:
    np.testing.assert_allclose(gradient(cross_entropy, X), np.zeros_like(X), atol=1e-3)
    smallest = float(cross_entropy(ops.convert_to_tensor(X)))
    for step in (-0.04, 0.04):
        assert float(cross_entropy(ops.convert_to_tensor(X + np.float32(step)))) > smallest


def test_derivative_of_the_sigmoid_code() -> None:
    """The formula is ∂h/∂a = h(1−h), for the activation of the encoder's code layer."""
    model = create("dense_autoencoder", image_shape=(3, 3, 1), code_dim=5)
    hidden = model.get_layer("encoder").get_layer("code")
    a = RANDOM.normal(size=(4, 5)).astype(np.float32)
    h = np.array(hidden.activation(ops.convert_to_tensor(a)))
    by_hand = h * (1 - h)
    np.testing.assert_allclose(gradient(lambda t: ops.sum(hidden.activation(t)), a), by_hand, rtol=1e-4, atol=1e-6)


def test_a_code_as_large_as_the_image_is_rejected() -> None:
    create("dense_autoencoder", image_shape=(3, 3, 1), code_dim=8)
    with pytest.raises(BadHyperparameter, match="code_dim to be less than 9. Received: 9"):
        create("dense_autoencoder", image_shape=(3, 3, 1), code_dim=9)
