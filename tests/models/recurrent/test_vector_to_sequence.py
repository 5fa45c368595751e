"""Compares `vector_to_sequence` with its formula in NumPy: the convolutions, the initial states and the decoder."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import create

from ..layer_checks import randomise, to_numpy
from . import cells, text_generation

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((3, 7, 8, 2), np.float32)
PREVIOUS = np.array([[2, 5, 7, 4, 8], [2, 6, 3, 0, 0], [2, 3, 0, 0, 0]], np.int32)  # with padding after the end
every_cell = pytest.mark.parametrize("cell", cells.STEPS)


def network(cell: str) -> keras.Model:
    options = {"image_shape": (7, 8, 2), "output_tokens": 9, "filters": (3, 4), "embedding_dim": 4, "units": 5}
    model = create("vector_to_sequence", **options, cell=cell)
    randomise(model)
    return model


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Returns max(0, K * x + b), of every second 3 × 3 window. Zeros around x make its size half, rounded up."""
    sizes = [(-(-size // 2) - 1) * 2 + 3 - size for size in x.shape[1:3]]  # number of zeros: the smaller half before x
    padding = [(0, 0), *((size // 2, size - size // 2) for size in sizes), (0, 0)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, padding), (3, 3), axis=(1, 2))[:, ::2, ::2]
    return np.maximum(np.einsum("bmncij,ijck->bmnk", windows, kernel) + bias, 0)


def encoded(model: keras.Model, cell: str, images: np.ndarray) -> list[np.ndarray]:
    """Returns the states v = tanh(W conv(x) + b), of an LSTM two with a W and a b each."""
    encoder = model.get_layer("encoder")
    x = images.astype(np.float64)
    for name in ("conv_1", "conv_2"):
        x = convolved(x, *cells.weights_of(encoder.get_layer(name)))
    assert x.shape == (3, 2, 2, 4)
    dense = [cells.weights_of(encoder.get_layer(f"vector_{n + 1}")) for n in range(cells.STEPS[cell][1])]
    return [np.tanh(x.reshape(len(x), -1) @ w + b) for w, b in dense]


@every_cell
def test_initial_states_equal_the_formula(cell: str) -> None:
    model = network(cell)
    found = model.get_layer("encoder")(IMAGES)
    found = found if isinstance(found, list) else [found]
    for got, want in zip(found, encoded(model, cell, IMAGES), strict=True):
        np.testing.assert_allclose(to_numpy(got), want, rtol=1e-4, atol=1e-5)
        assert np.abs(want).max() > 0.7  # where tanh is not almost a line


@every_cell
def test_probabilities_equal_the_formula(cell: str) -> None:
    model = network(cell)
    got = to_numpy(model({"image": IMAGES, "previous": PREVIOUS}))
    want = text_generation.probabilities(model, cell, encoded(model, cell, IMAGES), PREVIOUS)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def test_each_prediction_depends_on_the_tokens_before_it_only() -> None:
    model = network("gru")
    changed = PREVIOUS.copy()
    changed[:, 2] += 1
    before, after = (to_numpy(model({"image": IMAGES, "previous": ids})) for ids in (PREVIOUS, changed))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert (np.abs(before - after)[:, 2:].max(axis=(1, 2)) > 1e-4).all()
