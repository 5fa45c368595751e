"""Compares the layer `ContractiveDense` with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.contractive_dense import ContractiveDense

from ..layer_checks import from_config, penalty, randomise, to_numpy

X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


def create_layer(weight: float = 0.7) -> ContractiveDense:
    layer = ContractiveDense(3, weight)
    layer.build(X.shape)
    return layer


def test_output_equals_a_dense_layer_with_a_sigmoid() -> None:
    layer = create_layer()
    kernel, bias = randomise(layer)
    np.testing.assert_allclose(to_numpy(layer(X)), 1 / (1 + np.exp(-X @ kernel - bias)), rtol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_penalty_equals_sum_of_squared_derivatives(weight: float) -> None:
    """The penalty is λ Σ_i Σ_j (∂h_j/∂x_i)² with ∂h_j/∂x_i = h_j (1 − h_j) W_ji, averaged over the batch."""
    layer = create_layer(weight)
    kernel, bias = randomise(layer)
    norms = []
    for x in X.astype(np.float64):
        h = 1 / (1 + np.exp(-x @ kernel - bias))
        jacobian = [[h[j] * (1 - h[j]) * kernel[i, j] for i in range(5)] for j in range(3)]
        norms.append(np.linalg.norm(jacobian, "fro") ** 2)
    np.testing.assert_allclose(float(penalty(layer, X)), weight * np.mean(norms), rtol=1e-4)


def test_zero_kernel_has_no_penalty() -> None:
    layer = create_layer()
    kernel, bias = randomise(layer)
    layer.set_weights([np.zeros_like(kernel), bias])
    assert float(penalty(layer, X)) == 0


@pytest.mark.parametrize("training", [True, False])
def test_penalty_is_the_same_in_training_and_inference(training: bool) -> None:
    layer = create_layer()
    layer(X, training=training)
    assert [float(each) for each in layer.losses] == [pytest.approx(float(penalty(layer, X)))]


def test_layer_can_be_rebuilt_from_config() -> None:
    layer = ContractiveDense(3, 0.7, name="code", bias_initializer="ones")
    again = from_config(layer)
    assert isinstance(again, ContractiveDense) and (again.units, again.weight) == (3, 0.7)
    for each in (layer, again):
        each.build(X.shape)
    again.set_weights(randomise(layer))
    np.testing.assert_array_equal(to_numpy(again(X)), to_numpy(layer(X)))


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_invalid_arguments_are_rejected(weight: float) -> None:
    with pytest.raises(BadHyperparameter, match=f"^Expected a contractive weight of at least 0. Received: {weight}.$"):
        ContractiveDense(3, weight)
