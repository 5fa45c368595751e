"""Compares `sequence_to_vector` with its formula in NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create

from ..layer_checks import randomise, to_numpy
from . import cells

IDS = np.random.default_rng(0).integers(1, 9, (6, 5)).astype(np.int32)


def network(**options: Any) -> keras.Model:
    model = create("sequence_to_vector", tokens=9, embedding_dim=4, units=3, classes=3, **options)
    randomise(model)
    return model


def softmax(a: np.ndarray) -> np.ndarray:
    return np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("cell", cells.CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_output_equals_formula(cell: str, bidirectional: bool) -> None:
    model = network(cell=cell, bidirectional=bidirectional)
    (rows,), weights = (cells.weights_of(model.get_layer(name)) for name in ("token_embedding", "embedding"))
    x = rows[IDS]  # (batch, time, embedding_dim)
    v = cells.CELLS[cell](x, *weights[:3])[:, -1]
    if bidirectional:
        v = np.concatenate([v, cells.CELLS[cell](x[:, ::-1], *weights[3:])[:, -1]], axis=1)
    w, b = cells.weights_of(model.get_layer("probabilities"))
    np.testing.assert_allclose(to_numpy(model(IDS)), softmax(v @ w + b), rtol=1e-4, atol=1e-6)
    assert model.get_layer("embedding").output.shape == (None, 6 if bidirectional else 3)


def test_word_lookup_equals_one_hot_times_matrix() -> None:
    layer = network().get_layer("token_embedding")
    (rows,) = layer.get_weights()
    np.testing.assert_allclose(to_numpy(layer(IDS)), np.eye(9, dtype=np.float32)[IDS] @ rows, rtol=1e-6)


def test_dropout_is_off_at_inference() -> None:
    keras.utils.set_random_seed(0)
    model, plain = network(dropout=0.5), network()
    np.testing.assert_array_equal(to_numpy(model(IDS)), to_numpy(plain(IDS)))
    assert np.abs(to_numpy(model(IDS, training=True)) - to_numpy(plain(IDS))).max() > 1e-3


def test_output_for_only_padding_is_finite() -> None:
    model = network()
    w, b = cells.weights_of(model.get_layer("probabilities"))
    np.testing.assert_allclose(to_numpy(model(0 * IDS[:1])), softmax(b[None]), rtol=1e-5)


def test_unknown_cell_is_rejected() -> None:
    with pytest.raises(BadHyperparameter, match="Expected cell to be one of simple_rnn, lstm, gru. Received: rnn"):
        network(cell="rnn")
