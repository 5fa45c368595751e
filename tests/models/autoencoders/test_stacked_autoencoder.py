"""Compares `stacked_autoencoder` with its formula in NumPy, with and without tied weights, and checks its sizes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import create

from ..layer_checks import randomise, to_numpy

SIZES = [784, 1000, 500, 250, 30]
X = np.random.default_rng(0).random((4, 6), dtype=np.float32)
IMAGES = X.reshape(4, 3, 2, 1)


def small(**options: Any) -> keras.Model:
    small_options = {"image_shape": (3, 2, 1), "hidden": (5, 4), "code_dim": 2, "activation": "tanh"}
    return create("stacked_autoencoder", **{**small_options, **options})


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


@pytest.mark.parametrize("tied", [False, True])
def test_published_layer_sizes(tied: bool) -> None:
    model = create("stacked_autoencoder", tied=tied)
    for part, sizes in (("encoder", SIZES), ("decoder", SIZES[::-1])):
        inputs = model.get_layer(part).input_shape[1:]
        widths = [layer.output.shape[1:] for layer in model.get_layer(part).layers]
        assert [np.prod(inputs), *_changes(widths)] == sizes


def _changes(shapes: list[tuple[int, ...]]) -> list[int]:
    """Returns the sizes that differ from the size before. (28, 28, 1) and (784,) have the same size, 784."""
    counts = [int(np.prod(shape)) for shape in shapes]
    return [after for before, after in pairwise(counts) if after != before]


def test_published_parameter_count() -> None:
    """Each layer of the encoder and of the decoder has a kernel and a bias. Tied layers share their kernels."""
    kernels = sum(a * b for a, b in pairwise(SIZES))  # 784·1,000 + 1,000·500 + 500·250 + 250·30 = 1,416,500
    biases = sum(SIZES[1:]) + sum(SIZES[:-1])  # 1,780 + 2,534
    assert create("stacked_autoencoder").count_params() == 2 * kernels + biases == 2_837_314
    assert create("stacked_autoencoder", tied=True).count_params() == kernels + biases == 1_420_814


def test_output_equals_formula() -> None:
    """The encoder computes h_l = g(W_l h_{l−1} + b_l), with a linear code. The decoder has its own weights."""
    model = small()
    w1, b1, w2, b2, w3, b3, v3, c3, v2, c2, v1, c1 = randomise(model)
    code = np.tanh(np.tanh(X @ w1 + b1) @ w2 + b2) @ w3 + b3
    x_hat = sigmoid(np.tanh(np.tanh(code @ v3 + c3) @ v2 + c2) @ v1 + c1)
    np.testing.assert_allclose(to_numpy(model.get_layer("encoder")(IMAGES)), code, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(to_numpy(model(IMAGES)).reshape(X.shape), x_hat, rtol=1e-4, atol=1e-5)


def test_tied_output_equals_formula() -> None:
    """The kernels are tied, W*_l = W_lᵀ. The decoder has its own biases."""
    model = small(tied=True)
    randomise(model)
    (w1, b1, c1), (w2, b2, c2), (w3, b3, c3) = (
        [np.array(each) for each in model.get_layer("encoder").get_layer(f"tied_{depth}").get_weights()]
        for depth in (1, 2, 3)
    )
    code = np.tanh(np.tanh(X @ w1 + b1) @ w2 + b2) @ w3 + b3
    x_hat = sigmoid(np.tanh(np.tanh(code @ w3.T + c3) @ w2.T + c2) @ w1.T + c1)
    np.testing.assert_allclose(to_numpy(model.get_layer("encoder")(IMAGES)), code, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(to_numpy(model(IMAGES)).reshape(X.shape), x_hat, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tied", [False, True])
def test_each_activation_is_used_in_its_layer(tied: bool) -> None:
    """All activations except one are linear, so only the output of this activation has no negative values."""
    for name, has_negative in (
        ("activation", (True, True)),
        ("code_activation", (False, True)),
        ("output_activation", (True, False)),
    ):
        linear = {"activation": "linear", "code_activation": "linear", "output_activation": "linear"}
        model = small(**{**linear, name: "sigmoid" if name == "output_activation" else "relu"}, tied=tied)
        randomise(model)
        code, x_hat = to_numpy(model.get_layer("encoder")(IMAGES)), to_numpy(model(IMAGES))
        assert ((code < 0).any(), (x_hat < 0).any()) == has_negative
