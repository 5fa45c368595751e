"""Compares the layer `GaussianKL` with numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.gaussian_kl import GaussianKL, gaussian_kl
from scipy.integrate import quad
from scipy.stats import norm

from ..gradients import gradient
from ..layer_checks import from_config, penalty, to_numpy

RANDOM = np.random.default_rng(0)
MEAN = RANDOM.normal(size=(4, 3)).astype(np.float32)
LOG_VARIANCE = RANDOM.normal(size=(4, 3)).astype(np.float32)


def integrated(mean: float, log_variance: float) -> float:
    """Returns ∫ q log(q/p) over ten standard deviations of q on each side of its mean."""
    q, p = norm(mean, np.exp(log_variance / 2)), norm(0, 1)
    return quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mean - 10 * q.std(), mean + 10 * q.std())[0]


def test_divergence_equals_integral() -> None:
    expected = [sum(map(integrated, *each)) for each in zip(MEAN, LOG_VARIANCE, strict=True)]
    np.testing.assert_allclose(to_numpy(gaussian_kl(MEAN, LOG_VARIANCE)), expected, rtol=1e-4)


def test_divergence_is_0_only_at_the_prior() -> None:
    zeros = np.zeros((1, 3), np.float32)
    assert float(gaussian_kl(zeros, zeros)[0]) == 0
    assert (to_numpy(gaussian_kl(MEAN, LOG_VARIANCE)) > 0).all()


@pytest.mark.parametrize("weight", [0.0, 1.0, 4.0])
def test_the_penalty_is_the_mean_over_the_batch(weight: float) -> None:
    """For each example, the penalty is β ½ Σ_j (μ_j² + σ_j² − log σ_j² − 1)."""
    expected = weight * 0.5 * (MEAN**2 + np.exp(LOG_VARIANCE) - LOG_VARIANCE - 1).sum(axis=1).mean()
    np.testing.assert_allclose(float(penalty(GaussianKL(weight), [MEAN, LOG_VARIANCE])), expected, rtol=1e-5)


def test_gradients_of_the_divergence() -> None:
    """The gradients are ∂KL/∂μ = μ and ∂KL/∂log σ² = ½ (σ² − 1)."""
    log_variance, mean = ops.convert_to_tensor(LOG_VARIANCE), ops.convert_to_tensor(MEAN)
    by_mean = gradient(lambda m: ops.sum(gaussian_kl(m, log_variance)), MEAN)
    by_log_variance = gradient(lambda v: ops.sum(gaussian_kl(mean, v)), LOG_VARIANCE)
    np.testing.assert_allclose(by_mean, MEAN, rtol=1e-5)
    np.testing.assert_allclose(by_log_variance, 0.5 * (np.exp(LOG_VARIANCE) - 1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_layer_returns_its_inputs_and_adds_a_penalty(training: bool) -> None:
    layer = GaussianKL()
    mean, log_variance = layer([MEAN, LOG_VARIANCE], training=training)
    np.testing.assert_array_equal(to_numpy(mean), MEAN)
    np.testing.assert_array_equal(to_numpy(log_variance), LOG_VARIANCE)
    assert len(layer.losses) == 1 and not layer.weights


def test_layer_can_be_rebuilt_from_config() -> None:
    again = from_config(GaussianKL(0.3, name="kl"))
    assert isinstance(again, GaussianKL) and (again.weight, again.name) == (0.3, "kl")


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_invalid_arguments_are_rejected(weight: float) -> None:
    with pytest.raises(BadHyperparameter, match=f"^Expected a KL weight of at least 0. Received: {weight}.$"):
        GaussianKL(weight)
