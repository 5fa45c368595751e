"""Compares the steps, the backpropagation through time and the gradients of `simple_rnn` with lecture notes 004."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import create
from keras_gallery.models.losses import SquaredError
from keras_gallery.models.normalization import adapt

from ..gradients import gradient, weight_gradients
from ..layer_checks import randomise, to_numpy
from . import cells

RANDOM = np.random.default_rng(0)
TIME = 6
X = RANDOM.normal(3, 2, (4, TIME, 2)).astype(np.float32)
Y = RANDOM.normal(-1, 3, (4, 3)).astype(np.float32)


def network(activation: str = "tanh") -> keras.Model:
    model = create("simple_rnn", features=2, units=5, outputs=3, activation=activation)
    randomise(model)
    adapt(model, X, Y)
    return model


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_numpy_steps_equal_keras(activation: str) -> None:
    """The formula is h_t = g(W_hᵀ h_{t−1} + W_xᵀ x_t + b)."""
    model = network(activation)
    expected = cells.many_to_one(model, X, lambda *arguments: cells.simple_rnn(*arguments, activation))
    np.testing.assert_allclose(to_numpy(model(X)), expected, rtol=1e-4, atol=1e-5)
    assert model.get_layer("embedding").output.shape == (None, 5)


def test_backpropagation_through_time() -> None:
    """The gradient with respect to a weight is a sum over the time steps.

    For W_h, each term is the gradient with respect to a separate copy of W_h that only this step uses.
    """
    model = network()
    w_x, w_h, b, w_y, b_y = [np.asarray(weight, np.float64) for weight in model.trainable_variables]
    x = (X - X.mean((0, 1))) / X.std((0, 1))
    h = np.concatenate([np.zeros((4, 1, 5)), cells.simple_rnn(x, w_x, w_h, b)], axis=1)  # h_0, h_1, … h_T
    y_hat = Y.mean(0) + Y.std(0) * (h[:, TIME] @ w_y + b_y)

    by_output = 2 * (y_hat - Y) / len(X) * Y.std(0)
    by_h = by_output @ w_y.T  # ∂L/∂h_T
    by_w_x, by_w_h, by_b = np.zeros_like(w_x), np.zeros((TIME, 5, 5)), np.zeros_like(b)
    for t in range(TIME, 0, -1):
        by_a = by_h * (1 - h[:, t] ** 2)  # through tanh
        by_w_x += x[:, t - 1].T @ by_a
        by_w_h[t - 1] = h[:, t - 1].T @ by_a
        by_b += by_a.sum(0)
        by_h = by_a @ w_h.T  # ∂L/∂h_{t−1}

    found = weight_gradients(model, lambda y_hat: SquaredError()(Y, y_hat), X)
    expected = [by_w_x, by_w_h.sum(0), by_b, h[:, TIME].T @ by_output, by_output.sum(0)]
    for by_autodiff, by_hand in zip(found, expected, strict=True):
        np.testing.assert_allclose(by_autodiff, by_hand, rtol=1e-3, atol=1e-4)

    def loss(copies: Any) -> Any:  # copies of W_h, one for each step (time, units, units)
        state = ops.zeros((4, 5))
        for t in range(TIME):
            state = ops.tanh(state @ copies[t] + (x[:, t] @ w_x + b).astype(np.float32))
        return SquaredError()(Y, Y.mean(0) + Y.std(0) * (state @ w_y.astype(np.float32) + b_y.astype(np.float32)))

    terms = gradient(loss, np.stack([w_h] * TIME).astype(np.float32))
    np.testing.assert_allclose(terms, by_w_h, rtol=1e-3, atol=1e-4)
    assert (terms[0] == 0).all() and (terms[1:] != 0).any((1, 2)).all()  # the first term is 0, because h_0 is 0


def jacobian(model: keras.Model, x: np.ndarray, h_1: np.ndarray) -> np.ndarray:
    """Returns ∂h_T/∂h_1 (units, units) by automatic differentiation. `x` is x_2 … x_T (1, time, features)."""
    layer, units = model.get_layer("embedding"), h_1.shape[1]
    x, states = np.repeat(x, units, axis=0), np.repeat(h_1, units, axis=0)  # a row for each component of h_T
    return gradient(lambda states: ops.sum(layer(x, initial_state=states) * np.eye(units, dtype=np.float32)), states)


def test_derivative_of_last_state_is_a_product() -> None:
    """The formula is ∂h_T/∂h_1 = Π_{t=T…2} diag(1 − h_t²) W_hᵀ."""
    model = network()
    w_x, w_h, b = cells.weights_of(model.get_layer("embedding"))
    x = RANDOM.normal(size=(1, TIME, 2)).astype(np.float32)
    h = cells.simple_rnn(x, w_x, w_h, b)[0]  # h_1 … h_T
    expected = np.eye(5)
    for t in range(1, TIME):
        expected = np.diag(1 - h[t] ** 2) @ w_h.T @ expected
    found = jacobian(model, x[:, 1:], h[:1].astype(np.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def norms(activation: str, scale: float) -> list[float]:
    """Returns ‖∂h_T/∂h_1‖ for T − 1 = 1, 4 and 16 steps. W_h is a permutation times `scale`, and the inputs are 0."""
    model = create("simple_rnn", features=1, units=4, activation=activation, recurrent_initializer="identity")
    layer, found = model.get_layer("embedding"), []
    layer.cell.recurrent_kernel.assign(scale * np.eye(4, dtype=np.float32)[[1, 2, 3, 0]])
    for steps in (1, 4, 16):
        h_1 = np.full((1, 4), 0.5, np.float32)
        found.append(float(np.linalg.norm(jacobian(model, np.zeros((1, steps, 1), np.float32), h_1), 2)))
    return found


def test_gradients_vanish_or_explode() -> None:
    np.testing.assert_allclose(norms("relu", 1.0), [1, 1, 1], rtol=1e-5)
    np.testing.assert_allclose(norms("relu", 2.0), [2, 2**4, 2**16], rtol=1e-4)
    np.testing.assert_allclose(norms("relu", 0.5), [1 / 2, 1 / 2**4, 1 / 2**16], rtol=1e-4)
    one, four, sixteen = norms("tanh", 1.0)  # each factor 1 − h_t² is slightly below 1
    assert 1 > one > four > sixteen
    assert norms("tanh", 2.0)[-1] < 1  # tanh saturates, so the gradient cannot explode


def test_identity_initialisation_with_relu_keeps_the_gradient() -> None:
    model = create("simple_rnn", units=4, activation="relu", recurrent_initializer="identity")
    _, w_h, b = model.get_layer("embedding").get_weights()
    np.testing.assert_array_equal(w_h, np.eye(4))
    assert (b == 0).all()
    x = RANDOM.normal(size=(1, 30, 2)).astype(np.float32)
    active = np.full((1, 4), 100, np.float32)  # so large that no input makes a unit inactive
    np.testing.assert_allclose(jacobian(model, x, active), np.eye(4), atol=1e-6)
    orthogonal = create("simple_rnn", units=4).get_layer("embedding").get_weights()[1]
    np.testing.assert_allclose(orthogonal @ orthogonal.T, np.eye(4), atol=1e-5)
    assert np.abs(orthogonal - np.eye(4)).max() > 0.1


def test_sequence_can_be_continued_from_a_state() -> None:
    """A call for each step, with the state after the step before as the initial state, equals a single call."""
    layer = network().get_layer("embedding")
    state = None
    for t in range(TIME):
        state = layer(X[:, t : t + 1], initial_state=state)
    np.testing.assert_allclose(to_numpy(state), to_numpy(layer(X)), rtol=1e-4, atol=1e-5)
