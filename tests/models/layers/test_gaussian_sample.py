"""Tests of the layer `GaussianSample`: the distribution of its samples, and its derivatives."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from keras_gallery.models.layers.gaussian_sample import GaussianSample
from scipy.stats import kstest

from ..gradients import gradient
from ..layer_checks import from_config, to_numpy

RANDOM = np.random.default_rng(0)
MEAN = RANDOM.normal(size=(4, 3)).astype(np.float32)
LOG_VARIANCE = RANDOM.normal(size=(4, 3)).astype(np.float32)


def sample(layer: GaussianSample, mean: Any = MEAN, log_variance: Any = LOG_VARIANCE) -> Any:
    """Returns a sample and does not change the layer's state. The next sample has the same noise."""
    layer.build([MEAN.shape, LOG_VARIANCE.shape])
    pair = [ops.convert_to_tensor(mean), ops.convert_to_tensor(log_variance)]
    return layer.stateless_call([], layer.non_trainable_variables, pair, training=True)[0]


def test_inference_returns_the_mean() -> None:
    layer = GaussianSample(seed=3)
    before = to_numpy(layer.seed_generator.state).copy()
    np.testing.assert_array_equal(to_numpy(layer([MEAN, LOG_VARIANCE])), MEAN)
    np.testing.assert_array_equal(to_numpy(layer([MEAN, LOG_VARIANCE], training=False)), MEAN)
    np.testing.assert_array_equal(to_numpy(layer.seed_generator.state), before)


def test_samples_differ_and_are_reproducible_with_a_seed() -> None:
    first, again = (
        [to_numpy(layer([MEAN, LOG_VARIANCE], training=True)) for _ in range(2)]
        for layer in (GaussianSample(seed=3), GaussianSample(seed=3))
    )
    assert (first[0] != first[1]).all()
    np.testing.assert_array_equal(first, again)
    assert (to_numpy(sample(GaussianSample(seed=4))) != first[0]).all()


def test_samples_have_the_given_distribution() -> None:
    """The values of (z − μ) / σ are independent and have a standard normal distribution."""
    n = 50_000
    mean, log_variance = np.tile(MEAN[:1], (n, 1)), np.tile(LOG_VARIANCE[:1], (n, 1))
    z = to_numpy(sample(GaussianSample(seed=5), mean, log_variance)).astype(np.float64)
    noise = (z - MEAN[0]) / np.exp(LOG_VARIANCE[0] / 2)
    for unit in range(3):
        assert kstest(noise[:, unit], "norm").statistic < 2 / np.sqrt(n)  # 1 of 1,500 normal samples exceeds this limit
    correlations = np.corrcoef(noise.T)[np.triu_indices(3, 1)]
    assert (np.abs(correlations) < 5 / np.sqrt(n)).all()
    assert abs((noise[1:] * noise[:-1]).mean()) < 5 / np.sqrt(n)


def test_gradient_passes_through_sampling() -> None:
    """The derivatives are ∂z/∂μ = 1 and ∂z/∂log σ² = ½ σ ε."""
    layer = GaussianSample(seed=6)
    sigma = np.exp(LOG_VARIANCE / 2)
    noise = (to_numpy(sample(layer)) - MEAN) / sigma
    by_mean = gradient(lambda m: ops.sum(sample(layer, mean=m)), MEAN)
    by_log_variance = gradient(lambda v: ops.sum(sample(layer, log_variance=v)), LOG_VARIANCE)
    np.testing.assert_allclose(by_mean, np.ones_like(MEAN))
    np.testing.assert_allclose(by_log_variance, 0.5 * sigma * noise, rtol=1e-4, atol=1e-5)


def test_layer_can_be_rebuilt_from_config() -> None:
    layer = GaussianSample(seed=7)
    again = from_config(layer)
    assert isinstance(again, GaussianSample) and again.seed == 7
    np.testing.assert_array_equal(to_numpy(sample(again)), to_numpy(sample(layer)))


def test_the_sample_has_the_shape_of_the_mean() -> None:
    assert GaussianSample()([keras.Input((3,)), keras.Input((3,))]).shape == (None, 3)
