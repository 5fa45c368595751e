"""Compares gradients with a formula, and checks that gradient norms vanish over depth with sigmoid."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from keras_gallery.models import create
from keras_gallery.models.losses import SquaredError
from keras_gallery.training.data.dataset import Examples
from keras_gallery.training.figures import gradients_over_depth

RNG = np.random.default_rng(0)


def test_gradient_of_a_linear_network() -> None:
    """The formula is ∂/∂W Σ(xW − y)² / n = 2 xᵀ(xW − y) / n."""
    x, y = RNG.random((8, 3), np.float32), RNG.random((8, 1), np.float32)
    inputs = keras.Input((3,))
    network = keras.Model(inputs, layers.Dense(1, use_bias=False)(inputs))
    weights = network.get_weights()[0]
    expected = 2 * x.T @ (x @ weights - y) / 8
    np.testing.assert_allclose(
        gradients_over_depth.first_gradient(network, SquaredError(), Examples(x, y)), expected, rtol=1e-4
    )


def test_gradient_of_thin_networks_vanishes_with_sigmoid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients_over_depth, "SEEDS", (0,))
    model = create("thin_network", input_shape=(3,), depth=1)
    x = RNG.random((64, 3), np.float32)
    found = gradients_over_depth.gradient_norms(model, Examples(x, x.sum(axis=1, keepdims=True)))["gradient_norms"]
    assert set(found) == {"sigmoid", "tanh", "relu", "linear"}
    sigmoid = list(found["sigmoid"].values())
    assert list(found["sigmoid"]) == ["2", "3", "5", "9", "17"]
    assert sigmoid == sorted(sigmoid, reverse=True) and sigmoid[-1] < 1e-6 * sigmoid[0]
    assert found["sigmoid"]["9"] < 1e-2 * found["tanh"]["9"]


def test_other_models_have_no_gradient_norms() -> None:
    model = create("mlp_classifier", input_shape=(3,), hidden=(2,))
    assert (
        gradients_over_depth.gradient_norms(model, Examples(np.ones((1, 3), np.float32), np.zeros(1, np.int64))) == {}
    )
