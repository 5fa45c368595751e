"""Compares `conv1d_gru` with NumPy, and checks the length of a sequence after the convolution."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import create

from ..layer_checks import randomise, to_numpy
from . import cells

X = np.random.default_rng(0).normal(size=(4, 10, 2)).astype(np.float32)


def network(**options: int) -> keras.Model:
    model = create("conv1d_gru", **{"features": 2, "filters": 3, "units": 4, "classes": 3, **options})
    randomise(model)
    return model


def convolve(model: keras.Model, x: np.ndarray) -> np.ndarray:
    return to_numpy(model.get_layer("convolution")(x))


def test_ten_steps_become_three() -> None:
    """A filter of size 5 with stride 2 is applied to the steps 1–5, 3–7 and 5–9."""
    model = create("conv1d_gru", filters=1)
    model.get_layer("convolution").set_weights([np.ones((5, 1, 1)), np.zeros(1)])
    steps = np.arange(1, 11, dtype=np.float32).reshape(1, 10, 1)
    sums = [[sum(range(first, first + 5))] for first in (1, 3, 5)]
    np.testing.assert_array_equal(convolve(model, steps)[0], sums)


@pytest.mark.parametrize(("time", "f", "s"), [(10, 5, 2), (11, 5, 2), (5, 5, 2), (9, 4, 3), (7, 1, 1), (100, 10, 7)])
def test_the_length_after_a_convolution(time: int, f: int, s: int) -> None:
    """The length is ⌊(T − f) / s⌋ + 1."""
    x = np.zeros((2, time, 2), np.float32)
    assert convolve(network(kernel_size=f, strides=s), x).shape == (2, (time - f) // s + 1, 3)


def softmax(a: np.ndarray) -> np.ndarray:
    return np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)


def test_output_equals_formula() -> None:
    model = network()
    kernel, b_c = cells.weights_of(model.get_layer("convolution"))
    windows = np.stack([X[:, first : first + 5] for first in (0, 2, 4)], axis=1)  # (batch, windows, 5, features)
    u = np.maximum(np.einsum("bwkf,kfo->bwo", windows, kernel) + b_c, 0)
    h = cells.gru(u, *cells.weights_of(model.get_layer("embedding")))[:, -1]
    w, b = cells.weights_of(model.get_layer("probabilities"))
    np.testing.assert_allclose(to_numpy(model(X)), softmax(h @ w + b), rtol=1e-4, atol=1e-6)


def test_without_convolution_the_gru_reads_every_step() -> None:
    model = network(convolution=False)
    h = cells.gru(X, *cells.weights_of(model.get_layer("embedding")))[:, -1]
    w, b = cells.weights_of(model.get_layer("probabilities"))
    np.testing.assert_allclose(to_numpy(model(X)), softmax(h @ w + b), rtol=1e-4, atol=1e-6)
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "GRU", "Dense"]
