"""Compares the softmax, the cross-entropy and the gradients of `mlp_classifier` with lecture notes 002."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import create

from ..gradients import gradient, weight_gradients
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
LABELS = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
cross_entropy = keras.losses.SparseCategoricalCrossentropy()


def softmax(a: Any) -> Any:
    """Applies the activation of the model's last layer."""
    return create("mlp_classifier", classes=3, hidden=(2,)).get_layer("probabilities").activation(a)


def numpy_softmax(a: np.ndarray) -> np.ndarray:
    powers = np.exp(a.astype(np.float64))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_softmax_example_of_the_lecture_notes() -> None:
    """The softmax of (10, 20, 30) is (e⁻²⁰ s, e⁻¹⁰ s, s) with s = 1 / (1 + e⁻¹⁰ + e⁻²⁰)."""
    found = to_numpy(softmax(ops.convert_to_tensor([[10.0, 20.0, 30.0]])))[0]
    largest = 1 / (1 + np.exp(-10) + np.exp(-20))
    np.testing.assert_allclose(found, [np.exp(-20) * largest, np.exp(-10) * largest, largest], rtol=1e-4)


def test_softmax_does_not_overflow() -> None:
    found = to_numpy(softmax(ops.convert_to_tensor([[1000.0, 2000.0, 3000.0]])))
    np.testing.assert_allclose(found, [[0, 0, 1]], atol=1e-6)


def test_output_equals_formula() -> None:
    model = create("mlp_classifier", input_shape=(2, 2, 1), classes=3, hidden=(5, 2))
    w1, b1, w2, b2, w3, b3 = randomise(model)
    x = RANDOM.normal(size=(4, 2, 2, 1)).astype(np.float32)
    h1 = np.maximum(x.reshape(4, 4) @ w1 + b1, 0)
    h2 = np.maximum(h1 @ w2 + b2, 0)
    np.testing.assert_allclose(to_numpy(model(x)), numpy_softmax(h2 @ w3 + b3), rtol=1e-4)
    assert model.get_layer("embedding").output.shape == (None, 2)


def test_cross_entropy() -> None:
    """The loss is −log ŷ_ℓ for the label ℓ, averaged over the batch. It equals −Σ_c y_c log ŷ_c for a one-hot y."""
    y_hat = numpy_softmax(RANDOM.normal(size=(4, 3))).astype(np.float32)
    found = float(cross_entropy(LABELS, y_hat))
    np.testing.assert_allclose(found, -np.log([y_hat[i, label] for i, label in enumerate(LABELS)]).mean(), rtol=1e-5)
    np.testing.assert_allclose(found, -(ONE_HOT * np.log(y_hat)).sum(axis=1).mean(), rtol=1e-5)


def test_derivative_by_the_probabilities() -> None:
    """The formula is ∂L/∂ŷ_i = −1(i=ℓ) / ŷ_ℓ.

    Keras divides ŷ by its sum. This adds 1 to each derivative; the derivative of the softmax cancels this constant.
    """
    y_hat = numpy_softmax(RANDOM.normal(size=(4, 3))).astype(np.float32)
    by_hand = -ONE_HOT / y_hat
    found = gradient(lambda p: -ops.sum(ONE_HOT * ops.log(p)), y_hat)
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)
    by_keras = gradient(lambda p: 4 * cross_entropy(LABELS, p), y_hat)
    np.testing.assert_allclose(by_keras, by_hand + 1, rtol=1e-4, atol=1e-5)


def test_derivative_by_the_last_pre_activation() -> None:
    """The formula for an example is ∂L/∂a_L = ŷ − y. The batch size, 4, turns the mean loss of the batch into a sum."""
    a = RANDOM.normal(size=(4, 3)).astype(np.float32)
    found = gradient(lambda a: 4 * cross_entropy(LABELS, softmax(a)), a)
    np.testing.assert_allclose(found, numpy_softmax(a) - ONE_HOT, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_chain_rule_layer_by_layer(activation: str) -> None:
    """The formula is ∂L/∂W₁ = (∂L/∂ŷ ∂ŷ/∂a₃)(∂a₃/∂h₂ ∂h₂/∂a₂)(∂a₂/∂h₁ ∂h₁/∂a₁) ∂a₁/∂W₁."""
    model = create("mlp_classifier", input_shape=(2, 2, 1), classes=3, hidden=(5, 6), activation=activation)
    w1, b1, w2, b2, w3, b3 = randomise(model)
    x = RANDOM.normal(size=(4, 4)).astype(np.float32)
    g, slope = {
        "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda h: h * (1 - h)),
        "tanh": (np.tanh, lambda h: 1 - h**2),
        "relu": (lambda a: np.maximum(a, 0), lambda h: (h > 0).astype(np.float32)),
    }[activation]
    h1 = g(x @ w1 + b1)
    h2 = g(h1 @ w2 + b2)
    by_a3 = (numpy_softmax(h2 @ w3 + b3) - ONE_HOT) / 4
    by_a2 = by_a3 @ w3.T * slope(h2)
    by_a1 = by_a2 @ w2.T * slope(h1)
    found = weight_gradients(model, lambda y_hat: cross_entropy(LABELS, y_hat), x.reshape(4, 2, 2, 1))
    expected = [x.T @ by_a1, by_a1.sum(0), h1.T @ by_a2, by_a2.sum(0), h2.T @ by_a3, by_a3.sum(0)]
    for by_autodiff, by_hand in zip(found, expected, strict=True):
        np.testing.assert_allclose(by_autodiff, by_hand, rtol=1e-3, atol=1e-5)
