"""Compares the four gradients of `swish_classifier`, calculated by hand, with automatic differentiation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import create
from keras_gallery.models.normalization import adapt

from ..gradients import gradient, weight_gradients
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(20, 5, (9, 4)).astype(np.float32)
LABELS = RANDOM.integers(7, size=9)
cross_entropy = keras.losses.SparseCategoricalCrossentropy()


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def network() -> keras.Model:
    model = create("swish_classifier", input_shape=(4,), hidden=5)
    randomise(model)
    adapt(model, X)
    return model


def by_hand(model: keras.Model, x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns ŷ and the gradients, averaged over the batch, with respect to W₁ᵀ, b₁, W₂ᵀ and b₂ (Keras's weights)."""
    kernel_1, b1, kernel_2, b2 = [np.array(weight) for weight in model.trainable_variables]
    w1, w2 = kernel_1.T, kernel_2.T
    mean, std = X.mean(0), X.std(0)
    y_hats, gradients = [], []
    for features, label in zip(x, labels, strict=True):
        h0 = (features - mean) / std
        z1 = w1 @ h0 + b1
        h1 = z1 * sigmoid(z1)
        z2 = w2 @ h1 + b2
        y_hat = np.exp(z2) / np.exp(z2).sum()
        by_z2 = y_hat - np.eye(len(b2))[label]
        by_z1 = (w2.T @ by_z2) * (sigmoid(z1) + z1 * sigmoid(z1) * (1 - sigmoid(z1)))
        y_hats.append(y_hat)
        gradients.append([np.outer(by_z1, h0).T, by_z1, np.outer(by_z2, h1).T, by_z2])
    return np.array(y_hats), [np.mean(each, axis=0) for each in zip(*gradients, strict=True)]


def test_output_equals_formula() -> None:
    model = network()
    assert model.output_shape == (None, 7)
    np.testing.assert_allclose(to_numpy(model(X)), by_hand(model, X, LABELS)[0], rtol=1e-4)


def test_swish_and_its_slope() -> None:
    """swish(z) = z σ(z) and swish' = σ + z σ (1 − σ). The minimum is about −0.278, at z = −1.278."""
    swish = network().get_layer("embedding").activation
    z = np.linspace(-6, 6, 25, dtype=np.float32)
    np.testing.assert_allclose(to_numpy(swish(ops.convert_to_tensor(z))), z * sigmoid(z), rtol=1e-5, atol=1e-6)
    slope = sigmoid(z) + z * sigmoid(z) * (1 - sigmoid(z))
    np.testing.assert_allclose(gradient(lambda z: ops.sum(swish(z)), z), slope, rtol=1e-4, atol=1e-6)
    lowest = np.array([-1.278465], np.float32)
    assert float(swish(ops.convert_to_tensor(lowest))[0]) == pytest.approx(-0.278465, abs=1e-6)
    assert gradient(lambda z: ops.sum(swish(z)), lowest)[0] == pytest.approx(0, abs=1e-5)


def test_the_four_gradients() -> None:
    model = network()
    found = weight_gradients(model, lambda y_hat: cross_entropy(LABELS, y_hat), X)
    for by_autodiff, expected in zip(found, by_hand(model, X, LABELS)[1], strict=True):
        np.testing.assert_allclose(by_autodiff, expected, rtol=1e-3, atol=1e-5)


def test_three_steps_of_gradient_descent() -> None:
    """Each step is θ ← θ − η ∇θ."""
    model, rate = network(), 0.5
    model.compile(keras.optimizers.SGD(rate), cross_entropy)
    for _ in range(3):
        before = [np.array(weight) for weight in model.trainable_variables]
        expected = [theta - rate * slope for theta, slope in zip(before, by_hand(model, X, LABELS)[1], strict=True)]
        model.train_on_batch(X, LABELS)
        for weight, theta in zip(model.trainable_variables, expected, strict=True):
            np.testing.assert_allclose(to_numpy(weight), theta, rtol=1e-3, atol=1e-5)
