"""Compares the layer `KLSparsity` with SciPy's relative entropy, and its derivative with a formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.kl_sparsity import KLSparsity, bernoulli_kl
from scipy.stats import entropy

from ..gradients import gradient
from ..layer_checks import from_config, penalty, to_numpy

H = np.random.default_rng(0).uniform(0.02, 0.9, (4, 6)).astype(np.float32)
STORED = np.random.default_rng(1).uniform(0.02, 0.9, (50, 6)).astype(np.float32)  # activations of a whole training set
RHO, BETA = 0.2, 3.0


def relative_entropy(rho: float, rho_hat: np.ndarray) -> np.ndarray:
    return np.array([entropy([rho, 1 - rho], [each, 1 - each]) for each in rho_hat.astype(np.float64)])


def derivative(rho_hat: np.ndarray) -> np.ndarray:
    return -RHO / rho_hat + (1 - RHO) / (1 - rho_hat)


def full_pass(low: float = 0.0, activations: np.ndarray = STORED) -> KLSparsity:
    """Returns a layer that uses the mean of `activations` instead of the mean of the batch."""
    layer = KLSparsity(RHO, BETA, low, "full_pass")
    layer.build((None, 6))
    layer.set_mean_activation(activations)
    return layer


@pytest.mark.parametrize("rho", [0.05, 0.2, 0.5])
def test_divergence_equals_relative_entropy(rho: float) -> None:
    rho_hat = np.linspace(0.01, 0.99, 99, dtype=np.float32)
    found = to_numpy(bernoulli_kl(rho, ops.convert_to_tensor(rho_hat)))
    np.testing.assert_allclose(found, relative_entropy(rho, rho_hat), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rho", [0.05, 0.2, 0.5])
def test_divergence_is_0_only_at_rho(rho: float) -> None:
    rho_hat = np.linspace(0.01, 0.99, 99, dtype=np.float32)
    found = to_numpy(bernoulli_kl(rho, ops.convert_to_tensor(rho_hat)))
    assert rho_hat[found.argmin()] == pytest.approx(rho) and abs(found.min()) < 1e-6
    assert (np.delete(found, found.argmin()) > 1e-5).all()


def test_divergence_is_finite_for_constant_units() -> None:
    """ρ̂ is clipped to [10⁻⁶, 1 − 10⁻⁶]: KL(0.05‖10⁻⁶) = 0.492 and KL(0.05‖1 − 10⁻⁶) = 12.93."""
    ends = np.array([0.0, 1.0], np.float32)
    expected = relative_entropy(0.05, np.array([1e-6, 1 - 1e-6]))
    np.testing.assert_allclose(to_numpy(bernoulli_kl(0.05, ops.convert_to_tensor(ends))), expected, rtol=0.01)
    assert np.isfinite(gradient(lambda h: ops.sum(bernoulli_kl(0.05, h)), ends)).all()


def test_the_penalty_of_a_batch() -> None:
    """The penalty is β Σ_j KL(ρ‖ρ̂_j), where ρ̂_j is the mean of the batch."""
    expected = BETA * relative_entropy(RHO, H.mean(axis=0)).sum()
    np.testing.assert_allclose(float(penalty(KLSparsity(RHO, BETA), H)), expected, rtol=1e-4)


def test_full_pass_penalty_uses_the_stored_mean() -> None:
    expected = BETA * relative_entropy(RHO, STORED.mean(axis=0)).sum()
    np.testing.assert_allclose(float(penalty(full_pass(), H)), expected, rtol=1e-4)
    np.testing.assert_allclose(float(penalty(full_pass(), H[:1])), expected, rtol=1e-4)


def test_full_pass_starts_at_rho() -> None:
    layer = KLSparsity(RHO, BETA, estimate="full_pass")
    layer.build((None, 6))
    np.testing.assert_allclose(to_numpy(layer.mean_activation), np.full(6, RHO), rtol=1e-6)
    assert abs(float(penalty(layer, H))) < 1e-5


def test_the_gradient_term_of_a_batch() -> None:
    """The gradient is ∂J/∂h_j = β (−ρ/ρ̂_j + (1 − ρ)/(1 − ρ̂_j)) / m for each of the m examples."""
    found = gradient(lambda h: penalty(KLSparsity(RHO, BETA), h), H)
    expected = np.tile(BETA * derivative(H.mean(axis=0)) / len(H), (len(H), 1))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_full_pass_gradient_uses_the_stored_mean() -> None:
    found = gradient(lambda h: penalty(full_pass(), h), H)
    expected = np.tile(BETA * derivative(STORED.mean(axis=0)) / len(H), (len(H), 1))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_estimates_agree_if_the_batch_is_the_training_set() -> None:
    batch, full = KLSparsity(RHO, BETA), full_pass(activations=H)
    np.testing.assert_allclose(float(penalty(full, H)), float(penalty(batch, H)), rtol=1e-5)
    np.testing.assert_allclose(
        gradient(lambda h: penalty(full, h), H), gradient(lambda h: penalty(batch, h), H), rtol=1e-4, atol=1e-6
    )


def test_low_is_minus_one_for_tanh() -> None:
    """tanh activations 2h − 1 have the same penalty as sigmoid activations h, and half of the gradient."""
    tanh = 2 * H - 1
    for low_0, low_1 in (
        (KLSparsity(RHO, BETA), KLSparsity(RHO, BETA, -1.0)),
        (full_pass(), full_pass(-1.0, 2 * STORED - 1)),
    ):
        np.testing.assert_allclose(float(penalty(low_1, tanh)), float(penalty(low_0, H)), rtol=1e-4)
        found = gradient(lambda h, layer=low_1: penalty(layer, h), tanh)
        np.testing.assert_allclose(found, gradient(lambda h, layer=low_0: penalty(layer, h), H) / 2, rtol=1e-3)
    mean = np.full((4, 6), -0.6, np.float32)  # (−0.6 + 1) / 2 = ρ
    assert abs(float(penalty(KLSparsity(RHO, BETA, -1.0), mean))) < 1e-5


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("estimate", ["batch", "full_pass"])
def test_layer_returns_its_inputs_and_keeps_its_state(estimate: Any, training: bool) -> None:
    layer = KLSparsity(RHO, BETA, estimate=estimate)
    np.testing.assert_array_equal(to_numpy(layer(H, training=training)), H)
    assert len(layer.losses) == 1 and not layer.trainable_weights
    for weight in layer.weights:
        np.testing.assert_allclose(to_numpy(weight), np.full(6, RHO), rtol=1e-6)


@pytest.mark.parametrize("estimate", ["batch", "full_pass"])
def test_layer_can_be_rebuilt_from_config(estimate: Any) -> None:
    again = from_config(KLSparsity(RHO, BETA, -1.0, estimate))
    assert isinstance(again, KLSparsity)
    assert (again.rho, again.weight, again.low, again.estimate) == (RHO, BETA, -1.0, estimate)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rho": 0.0}, "Expected rho to be between 0 and 1. Received: 0.0."),
        ({"rho": 1.0}, "Expected rho to be between 0 and 1. Received: 1.0."),
        ({"rho": float("nan")}, "Expected rho to be between 0 and 1. Received: nan."),
        ({"weight": -1.0}, "Expected a KL weight of at least 0. Received: -1.0."),
        ({"weight": float("inf")}, "Expected a KL weight of at least 0. Received: inf."),
        ({"estimate": "epoch"}, "Expected estimate to be one of batch, full_pass, .*. Received: epoch."),
    ],
)
def test_invalid_arguments_are_rejected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadHyperparameter, match=f"^{message}$"):
        KLSparsity(**options)
