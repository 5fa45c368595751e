"""Compares the output, the loss and the gradients of `mlp_regressor` with the formulas of lecture notes 002."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.losses import SquaredError
from keras_gallery.models.normalization import adapt

from ..gradients import weight_gradients
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(3, 2, (6, 4)).astype(np.float32)
Y = RANDOM.normal(-1, 3, (6, 3)).astype(np.float32)

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
}


@pytest.mark.parametrize("g", ACTIVATIONS)
def test_output_equals_formula(g: str) -> None:
    """For normalised x: h₁ = g(W₁ x + b₁), h₂ = g(W₂ h₁ + b₂), ŷ = mean y + std y · (W_O h₂ + b_O)."""
    model = create("mlp_regressor", input_shape=(4,), outputs=3, hidden=(5, 2), activation=g)
    randomise(model)
    adapt(model, X, Y)
    w1, b1, w2, b2, w3, b3 = [np.array(weight) for weight in model.trainable_variables]
    h1 = ACTIVATIONS[g]((X - X.mean(0)) / X.std(0) @ w1 + b1)
    h2 = ACTIVATIONS[g](h1 @ w2 + b2)
    expected = Y.mean(0) + Y.std(0) * (h2 @ w3 + b3)
    np.testing.assert_allclose(to_numpy(model(X)), expected, rtol=1e-4, atol=1e-5)
    assert model.get_layer("embedding").output.shape == (None, 2)


def test_loss_equals_formula() -> None:
    """The loss is 1/N Σ_i Σ_j (ŷ_ij − y_ij)²."""
    y_hat = RANDOM.normal(size=Y.shape).astype(np.float32)
    expected = sum((y_hat[i, j] - Y[i, j]) ** 2 for i in range(6) for j in range(3)) / 6
    np.testing.assert_allclose(float(SquaredError()(Y, y_hat)), expected, rtol=1e-5)


def test_gradients_equal_the_chain_rule() -> None:
    model = create("mlp_regressor", input_shape=(4,), outputs=3, hidden=(5, 2), activation="tanh")
    randomise(model)
    adapt(model, X, Y)
    w1, b1, w2, b2, w3, b3 = [np.array(weight) for weight in model.trainable_variables]
    # Forward pass; each row is an example.
    h0 = (X - X.mean(0)) / X.std(0)
    h1 = np.tanh(h0 @ w1 + b1)
    h2 = np.tanh(h1 @ w2 + b2)
    y_hat = Y.mean(0) + Y.std(0) * (h2 @ w3 + b3)
    # Backward pass; each line is one factor of the chain rule.
    by_y_hat = 2 * (y_hat - Y) / len(X)
    by_a3 = by_y_hat * Y.std(0)
    by_a2 = by_a3 @ w3.T * (1 - h2**2)
    by_a1 = by_a2 @ w2.T * (1 - h1**2)
    expected = [h0.T @ by_a1, by_a1.sum(0), h1.T @ by_a2, by_a2.sum(0), h2.T @ by_a3, by_a3.sum(0)]
    found = weight_gradients(model, lambda y_hat: SquaredError()(Y, y_hat), X)
    for by_autodiff, by_hand in zip(found, expected, strict=True):
        np.testing.assert_allclose(by_autodiff, by_hand, rtol=1e-3, atol=1e-4)


def test_output_can_have_any_value() -> None:
    """A sigmoid output would be limited to values between 0 and 1."""
    model = create("mlp_regressor", input_shape=(4,), outputs=2)
    model.get_layer("output").bias.assign([-50.0, 1000.0])
    np.testing.assert_allclose(to_numpy(model(0 * X)), np.tile([-50.0, 1000.0], (6, 1)))


def test_images_are_flattened() -> None:
    model = create("mlp_regressor", input_shape=(2, 2, 1), outputs=1, hidden=(3,))
    flat = create("mlp_regressor", input_shape=(4,), outputs=1, hidden=(3,))
    assert (model.input.name, flat.input.name) == ("image", "features")
    flat.set_weights(model.get_weights())
    np.testing.assert_array_equal(to_numpy(model(X.reshape(6, 2, 2, 1))), to_numpy(flat(X)))


@pytest.mark.parametrize("shape", [(28, 28), (2, 2, 2, 2)])
def test_other_shapes_are_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadHyperparameter, match="^Expected input_shape to have 1 number "):
        create("mlp_regressor", input_shape=shape)
