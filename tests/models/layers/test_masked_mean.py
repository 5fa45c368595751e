"""Compares the layer `MaskedMean` with NumPy."""

from __future__ import annotations

import keras
import numpy as np
from keras_gallery.models.layers.masked_mean import MaskedMean

from ..layer_checks import from_config, to_numpy

X = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
MASK = np.array([[True, False, True], [False, False, False], [True, True, True], [False, True, False]])


def test_masked_steps_are_ignored() -> None:
    rows = [x[mask].mean(axis=0) if mask.any() else np.zeros(2) for x, mask in zip(X, MASK, strict=True)]
    layer = MaskedMean()
    np.testing.assert_allclose(to_numpy(layer(X, mask=MASK)), np.stack(rows), rtol=1e-5, atol=1e-7)
    assert layer.compute_output_shape((None, 3, 2)) == (None, 2)


def test_without_a_mask_all_steps_are_averaged() -> None:
    np.testing.assert_allclose(to_numpy(MaskedMean()(X)), X.mean(axis=1), rtol=1e-5, atol=1e-7)


def test_layer_uses_the_mask_of_an_embedding_and_returns_none() -> None:
    ids = keras.Input((None,), dtype="int32")
    mean = MaskedMean()(keras.layers.Embedding(5, 2, mask_zero=True, name="table")(ids))
    assert getattr(mean, "_keras_mask", None) is None
    model = keras.Model(ids, mean)
    table = to_numpy(model.get_layer("table").embeddings)
    found = to_numpy(model(np.array([[3, 0, 4], [0, 0, 0]], np.int32)))
    np.testing.assert_allclose(found, [(table[3] + table[4]) / 2, [0, 0]], rtol=1e-5, atol=1e-7)


def test_layer_can_be_rebuilt_from_config() -> None:
    from_config(MaskedMean(name="mean"))
