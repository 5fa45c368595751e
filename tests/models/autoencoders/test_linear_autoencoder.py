"""Compares `linear_autoencoder` with PCA, which NumPy's singular value decomposition computes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.losses import SquaredError
from scipy.linalg import subspace_angles

from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
FEATURES, CODE, N, STEPS = 6, 2, 400, 600
INDEPENDENT = RANDOM.normal(size=(N, FEATURES)).astype(np.float32)
# Each example has six values that depend on two factors. The values have a little noise and a mean other than 0.
CORRELATED = (
    RANDOM.normal(size=(N, CODE)) * [1.5, 1.0] @ RANDOM.normal(size=(CODE, FEATURES))
    + 0.3 * RANDOM.normal(size=(N, FEATURES))
    + RANDOM.normal(size=FEATURES)
).astype(np.float32)


def linear() -> keras.Model:
    return create("linear_autoencoder", image_shape=(FEATURES, 1, 1), code_dim=CODE)


def components(x: np.ndarray) -> np.ndarray:
    """Returns the first `CODE` principal axes, `(CODE, FEATURES)`."""
    return np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:CODE]


def by_pca(x: np.ndarray) -> np.ndarray:
    axes, mean = components(x), x.mean(axis=0)
    return (x - mean) @ axes.T @ axes + mean


def rebuilt(model: keras.Model, x: np.ndarray) -> np.ndarray:
    return to_numpy(model(x.reshape(-1, FEATURES, 1, 1))).reshape(x.shape)


def trained(x: np.ndarray) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = linear()
    rates = keras.optimizers.schedules.CosineDecay(0.2, STEPS)
    model.compile(keras.optimizers.Adam(rates), SquaredError(), jit_compile=keras.backend.backend() == "jax")
    images = x.reshape(-1, FEATURES, 1, 1)
    for _ in range(STEPS):
        model.train_on_batch(images, images)
    return model


def error(x_hat: np.ndarray, x: np.ndarray) -> float:
    """Returns the squared error of the reconstruction, divided by the variance of `x`."""
    return float(((x_hat - x) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum())


def test_output_equals_formula() -> None:
    """The formulas are h = Wx + b and x̂ = W*h + c."""
    model = linear()
    w, b, w_star, c = randomise(model)
    h = CORRELATED @ w + b
    images = CORRELATED.reshape(-1, FEATURES, 1, 1)
    np.testing.assert_allclose(to_numpy(model.get_layer("encoder")(images)), h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rebuilt(model, CORRELATED), h @ w_star + c, rtol=1e-4, atol=1e-5)


def test_model_with_principal_axes_as_weights_equals_pca() -> None:
    """The rows of W are the principal axes, b = −W mean, W* = Wᵀ, and c is the mean."""
    axes, mean = components(CORRELATED), CORRELATED.mean(axis=0)
    model = linear()
    model.set_weights([axes.T, -axes @ mean, axes, mean])
    np.testing.assert_allclose(rebuilt(model, CORRELATED), by_pca(CORRELATED), rtol=1e-4, atol=1e-4)


def test_training_finds_the_pca_subspace() -> None:
    """The error is within 1 % of the error of PCA, and the subspace within 5 degrees of the subspace of PCA."""
    model = trained(CORRELATED)
    best = error(by_pca(CORRELATED), CORRELATED)
    found = error(rebuilt(model, CORRELATED), CORRELATED)
    assert best * (1 - 1e-4) <= found < 1.01 * best
    decoder = np.array(model.get_layer("decoder").get_weights()[0])  # (CODE, FEATURES)
    assert np.rad2deg(subspace_angles(decoder.T, components(CORRELATED).T)).max() < 5
    assert found < 0.1


def test_independent_values_are_not_compressible() -> None:
    """The code keeps two of six equally important directions, so about 4/6 of the variance is lost, as with PCA."""
    share = 1 - CODE / FEATURES
    for x_hat in (rebuilt(trained(INDEPENDENT), INDEPENDENT), by_pca(INDEPENDENT)):
        assert abs(error(x_hat, INDEPENDENT) - share) < 0.07


def test_a_code_as_large_as_the_image_is_rejected() -> None:
    with pytest.raises(BadHyperparameter, match="^Expected code_dim to be less than 6. Received: 6.$"):
        create("linear_autoencoder", image_shape=(6, 1, 1), code_dim=6)
