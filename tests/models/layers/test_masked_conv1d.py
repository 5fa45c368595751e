"""Tests the mask of the layer `MaskedConv1D`, and compares the layer with Keras's `Conv1D`."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models.layers.masked_conv1d import MaskedConv1D

from ..layer_checks import from_config, to_numpy

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("f", "s"), [(5, 2), (3, 1), (4, 3), (1, 2), (2, 5)])
def test_unmasked_windows_contain_no_padding(f: int, s: int) -> None:
    lengths = np.array([12, 5, 7, 6, 11])
    x, mask = RANDOM.normal(size=(5, 12, 2)).astype(np.float32), np.arange(12) < lengths[:, None]
    layer = MaskedConv1D(3, f, strides=s)
    found, windows = to_numpy(layer(x)), to_numpy(layer.compute_mask(x, mask))
    assert windows.shape == found.shape[:2]
    for each, unmasked, series, length in zip(found, windows, x, lengths, strict=True):
        alone = to_numpy(layer(series[None, :length]))[0]
        assert unmasked.sum() == len(alone) == (length - f) // s + 1
        np.testing.assert_allclose(each[unmasked], alone, rtol=1e-5, atol=1e-6)


def test_layer_equals_keras_convolution() -> None:
    x = RANDOM.normal(size=(2, 9, 2)).astype(np.float32)
    layer, conv1d = MaskedConv1D(3, 4, strides=2, activation="relu"), keras.layers.Conv1D(3, 4, 2, activation="relu")
    conv1d.build(x.shape)
    layer.build(x.shape)
    layer.set_weights(conv1d.get_weights())
    np.testing.assert_array_equal(to_numpy(layer(x)), to_numpy(conv1d(x)))
    assert layer.compute_mask(x, None) is None


def test_layer_can_be_rebuilt_from_config() -> None:
    config = from_config(MaskedConv1D(3, 5, strides=2, activation="relu", name="convolution")).get_config()
    assert (config["filters"], config["kernel_size"], config["strides"]) == (3, (5,), (2,))
