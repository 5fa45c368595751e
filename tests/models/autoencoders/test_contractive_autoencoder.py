"""Compares the penalty of `contractive_autoencoder` with the Jacobian that automatic differentiation computes."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops
from keras_gallery.models import create

from ..gradients import gradient
from ..layer_checks import penalty, randomise, to_numpy

X = np.random.default_rng(0).random((4, 6), dtype=np.float32)
IMAGES = X.reshape(4, 3, 2, 1)


def contractive(weight: float) -> keras.Model:
    return create("contractive_autoencoder", image_shape=(3, 2, 1), code_dim=3, weight=weight)


def jacobians(encoder: keras.Model) -> np.ndarray:
    """Returns ∂h_j/∂x_i of each example, `(batch, units, features)`."""
    units = [gradient(lambda x, j=j: ops.sum(encoder(x)[:, j]), IMAGES) for j in range(3)]
    return np.stack(units, axis=1).reshape(4, 3, 6)


def test_closed_form_equals_norm_of_jacobian() -> None:
    """The penalty is λ‖∂h/∂x‖²_F, averaged over the batch."""
    model = contractive(0.7)
    kernel, b, _, _ = randomise(model)
    found = jacobians(model.get_layer("encoder"))
    h = 1 / (1 + np.exp(-X @ kernel - b))
    np.testing.assert_allclose(found, (h * (1 - h))[:, :, None] * kernel.T, rtol=1e-3, atol=1e-6)
    expected = 0.7 * (found.astype(np.float64) ** 2).sum(axis=(1, 2)).mean()
    np.testing.assert_allclose(float(penalty(model, IMAGES)), expected, rtol=1e-4)


def test_output_equals_formula() -> None:
    model = contractive(0.7)
    w, b, w_star, c = randomise(model)
    h = 1 / (1 + np.exp(-X @ w - b))
    np.testing.assert_allclose(to_numpy(model.get_layer("encoder")(IMAGES)), h, rtol=1e-5)
    x_hat = 1 / (1 + np.exp(-h @ w_star - c))
    np.testing.assert_allclose(to_numpy(model(IMAGES)).reshape(X.shape), x_hat, rtol=1e-5)


def test_the_penalty_shrinks_the_jacobian() -> None:
    """After the same training, the Jacobian is smaller with a penalty than without a penalty."""
    norms = []
    for weight in (0.0, 5.0):
        model = contractive(weight)
        randomise(model)
        model.compile(keras.optimizers.Adam(0.05), "mean_squared_error", jit_compile=keras.backend.backend() == "jax")
        for _ in range(20):
            model.train_on_batch(IMAGES, IMAGES)
        norms.append((jacobians(model.get_layer("encoder")) ** 2).sum())
    assert norms[1] < 0.5 * norms[0]
