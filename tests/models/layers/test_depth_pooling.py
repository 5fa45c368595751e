"""Compares the layer `DepthPooling` with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.depth_pooling import DepthPooling

from ..layer_checks import from_config, to_numpy

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("pool_size", [1, 2, 3, 6])
@pytest.mark.parametrize("positions", [(), (5,), (4, 3)])
def test_output_is_maximum_of_neighbouring_channels(positions: tuple[int, ...], pool_size: int) -> None:
    x = RANDOM.normal(size=(2, *positions, 6)).astype(np.float32)
    groups = [x[..., first : first + pool_size].max(axis=-1) for first in range(0, 6, pool_size)]
    layer = DepthPooling(pool_size)
    np.testing.assert_array_equal(to_numpy(layer(x)), np.stack(groups, axis=-1))
    assert layer.compute_output_shape((None, *positions, 6)) == (None, *positions, 6 // pool_size)
    assert not layer.weights


def test_layer_can_be_rebuilt_from_config() -> None:
    assert from_config(DepthPooling(3, name="pool")).get_config()["pool_size"] == 3


def test_invalid_arguments_are_rejected() -> None:
    with pytest.raises(BadHyperparameter, match="Expected pool_size to be at least 1. Received: 0"):
        DepthPooling(0)
    with pytest.raises(BadHyperparameter, match="Expected pool_size to divide 6 channels. Received: 4"):
        DepthPooling(4)(np.zeros((1, 2, 2, 6), np.float32))
