"""Compares the layer `L1Sparsity` with NumPy, and its derivative with a formula."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.l1_sparsity import L1Sparsity

from ..gradients import gradient
from ..layer_checks import from_config, penalty, to_numpy

H = np.random.default_rng(0).uniform(-0.9, 0.9, (4, 6)).astype(np.float32)


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_penalty_equals_formula(weight: float, low: float) -> None:
    """The penalty is λ Σ_j |h_j − low|, averaged over the batch."""
    expected = weight * np.abs(H - low).sum(axis=1).mean()
    np.testing.assert_allclose(float(penalty(L1Sparsity(weight, low), H)), expected, rtol=1e-5)


def test_no_penalty_if_all_units_are_inactive() -> None:
    for low in (0.0, -1.0):
        assert float(penalty(L1Sparsity(0.3, low), np.full((4, 6), low, np.float32))) == 0


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_gradient_has_constant_size(low: float) -> None:
    """For any activation, the gradient is λ or −λ, divided by the batch size."""
    found = gradient(lambda h: penalty(L1Sparsity(0.3, low), h), H)
    np.testing.assert_allclose(found * len(H), 0.3 * np.sign(H - low), rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_layer_returns_its_inputs_and_adds_a_penalty(training: bool) -> None:
    layer = L1Sparsity(0.3)
    np.testing.assert_array_equal(to_numpy(layer(H, training=training)), H)
    assert [float(each) for each in layer.losses] == [float(penalty(layer, H))]


def test_layer_can_be_rebuilt_from_config() -> None:
    again = from_config(L1Sparsity(0.3, -1.0, name="sparsity"))
    assert isinstance(again, L1Sparsity) and (again.weight, again.low, again.name) == (0.3, -1.0, "sparsity")


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_invalid_arguments_are_rejected(weight: float) -> None:
    with pytest.raises(BadHyperparameter, match=f"^Expected an L1 weight of at least 0. Received: {weight}.$"):
        L1Sparsity(weight)
