"""Compares `lstm` with the equations of lecture notes 004 in NumPy, and checks the gradient of its long-term state."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops
from keras_gallery.models import create

from ..gradients import gradient
from ..layer_checks import randomise, to_numpy
from . import cells

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(3, 2, (4, 6, 2)).astype(np.float32)


def network() -> keras.Model:
    model = create("lstm", features=2, units=5, outputs=3)
    randomise(model)
    return model


def test_numpy_steps_equal_keras() -> None:
    model = network()
    np.testing.assert_allclose(to_numpy(model(X)), cells.many_to_one(model, X, cells.lstm), rtol=1e-4, atol=1e-5)
    assert model.get_layer("embedding").output.shape == (None, 5)


def test_forget_gate_starts_open() -> None:
    model = create("lstm", units=5)
    *_, b = model.get_layer("embedding").get_weights()
    np.testing.assert_array_equal(b, [0] * 5 + [1] * 5 + [0] * 10)  # i, f, g, o


def long_term_gradient(model: keras.Model, x: np.ndarray, c_1: np.ndarray) -> np.ndarray:
    """Returns the diagonal of ∂c_T/∂c_1 by automatic differentiation. ∂c_T/∂c_1 must be a diagonal matrix."""
    layer = model.get_layer("embedding")
    copy = keras.layers.LSTM(layer.units, return_state=True)
    copy.build(x.shape)
    copy.set_weights(layer.get_weights())
    return gradient(lambda c: ops.sum(copy(x, initial_state=[ops.zeros_like(c), c])[2]), c_1)[0]


def test_long_term_gradient_is_product_of_forget_gates() -> None:
    """If the recurrent kernel is zero, ∂c_T/∂c_1 = diag(Π_t f_t). If the forget gates are open, this is 1 for any T."""
    model, x = network(), RANDOM.normal(size=(1, 50, 2)).astype(np.float32)
    w_x, w_h, b = model.get_layer("embedding").get_weights()
    c_1 = RANDOM.normal(size=(1, 5)).astype(np.float32)
    model.get_layer("embedding").set_weights([w_x, 0 * w_h, b])
    _, f, _, _ = np.split(x[0].astype(np.float64) @ w_x + b, 4, axis=1)  # (time, units)
    np.testing.assert_allclose(long_term_gradient(model, x, c_1), cells.sigma(f).prod(axis=0), rtol=1e-3)
    b[5:10] = 100
    model.get_layer("embedding").set_weights([w_x, 0 * w_h, b])
    np.testing.assert_allclose(long_term_gradient(model, x, c_1), np.ones(5), rtol=1e-5)
