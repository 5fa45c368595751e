"""Compares `gru` with the equations of lecture notes 004 in NumPy, with the reset gate before or after the product."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import create

from ..gradients import gradient
from ..layer_checks import randomise, to_numpy
from . import cells

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(3, 2, (4, 6, 2)).astype(np.float32)
both_forms = pytest.mark.parametrize("reset_after", [True, False])


def network(reset_after: bool) -> keras.Model:
    model = create("gru", features=2, units=5, outputs=3, reset_after=reset_after)
    randomise(model)
    return model


@both_forms
def test_numpy_steps_equal_keras(reset_after: bool) -> None:
    model = network(reset_after)
    assert model.get_layer("embedding").get_weights()[2].shape == ((2, 15) if reset_after else (15,))
    np.testing.assert_allclose(to_numpy(model(X)), cells.many_to_one(model, X, cells.gru), rtol=1e-4, atol=1e-5)


def test_reset_before_and_after_the_product_differ() -> None:
    after, before = network(True), network(False)
    w_x, w_h, b = before.get_layer("embedding").get_weights()
    after.get_layer("embedding").set_weights([w_x, w_h, np.stack([b, 0 * b])])
    after.get_layer("output").set_weights(before.get_layer("output").get_weights())
    assert np.abs(to_numpy(after(X)) - to_numpy(before(X))).max() > 1e-3


def test_gru_has_three_quarters_of_the_weights_of_an_lstm() -> None:
    def count(name: str, **options: bool) -> int:
        return create(name, features=2, units=5, **options).get_layer("embedding").count_params()

    assert 4 * count("gru", reset_after=False) == 3 * count("lstm")
    assert count("gru") == count("gru", reset_after=False) + 3 * 5  # reset_after adds a second bias for each gate


@both_forms
def test_state_gradient_is_product_of_update_gates(reset_after: bool) -> None:
    """If the recurrent kernel is zero, ∂h_T/∂h_1 = diag(Π_t z_t)."""
    layer = network(reset_after).get_layer("embedding")
    x, h_1 = RANDOM.normal(size=(1, 20, 2)).astype(np.float32), RANDOM.normal(size=(1, 5)).astype(np.float32)
    w_x, w_h, b = layer.get_weights()
    layer.set_weights([w_x, 0 * w_h, b])
    z = cells.sigma((x[0].astype(np.float64) @ w_x + (b.sum(0) if reset_after else b))[:, :5])
    found = gradient(lambda state: ops.sum(layer(x, initial_state=state)), h_1)[0]
    np.testing.assert_allclose(found, z.prod(axis=0), rtol=1e-3)
