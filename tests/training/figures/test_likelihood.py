"""Compares the estimate of log p(x) by importance sampling with an integral on a grid."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.training.figures.likelihood import importance_log_likelihood, lower_bound

RNG = np.random.default_rng(0)
IMAGES = (RNG.random((6, 3, 3, 1)) < 0.4).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Returns a model with random weights. Its code has one dimension, so that a grid can integrate over the code."""
    keras.utils.set_random_seed(3)
    model = create("variational_autoencoder", image_shape=(3, 3, 1), hidden=(8,), code_dim=1)
    model.set_weights([0.4 * RNG.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def exact(model: keras.Model) -> np.ndarray:
    """Returns log ∫ p(x|z) N(z; 0, 1) dz by the trapezoidal rule."""
    z = np.linspace(-10, 10, 20_001)
    p = keras.ops.convert_to_numpy(model.get_layer("decoder")(z[:, None].astype(np.float32))).astype(np.float64)
    p = np.clip(p, 1e-7, 1 - 1e-7)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    likelihood = np.stack([np.where(x > 0.5, p, 1 - p).prod(axis=(1, 2, 3)) for x in IMAGES])  # (images, z)
    return np.log(np.trapezoid(likelihood * density, z, axis=1))


def test_estimate_equals_integral(model: keras.Model) -> None:
    counts: list[int] = []
    estimate = importance_log_likelihood(model, IMAGES, samples=20_000, progress=counts.append)
    np.testing.assert_allclose(estimate, exact(model), atol=0.25)
    assert counts == [1, 2, 3, 4, 5, 6]


def test_samples_in_several_chunks(model: keras.Model) -> None:
    """5,001 samples are processed in two chunks of different sizes."""
    estimate = importance_log_likelihood(model, IMAGES[:2], samples=5_001)
    np.testing.assert_allclose(estimate, exact(model)[:2], atol=0.2)


def test_lower_bound_is_below_likelihood(model: keras.Model) -> None:
    bounds = lower_bound(model, np.tile(IMAGES, (100, 1, 1, 1))).reshape(100, len(IMAGES))  # each row has its own noise
    assert (bounds[:30].mean(axis=0) < exact(model) + 0.05).all()
    one_sample = importance_log_likelihood(model, np.tile(IMAGES, (100, 1, 1, 1)), samples=1, seed=1)
    np.testing.assert_allclose(bounds.mean(), one_sample.mean(), atol=0.1 * abs(one_sample.mean()))
