"""Tests of the layer `PadChannels`, which appends channels of zeros."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.pad_channels import PadChannels

from ..layer_checks import from_config, to_numpy


@pytest.mark.parametrize("channels", [3, 5])
def test_zeros_are_appended(channels: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 2, 3)).astype(np.float32)
    layer = PadChannels(channels)
    found = to_numpy(layer(x))
    np.testing.assert_array_equal(found, np.pad(x, ((0, 0), (0, 0), (0, 0), (0, channels - 3))))
    assert layer.compute_output_shape((None, 4, 2, 3)) == (None, *found.shape[1:])
    assert not layer.weights


def test_layer_can_be_rebuilt_from_config() -> None:
    assert from_config(PadChannels(5, name="pad")).get_config()["channels"] == 5


def test_fewer_channels_are_rejected() -> None:
    with pytest.raises(BadHyperparameter, match="Expected channels to be at least 3. Received: 2"):
        PadChannels(2)(np.zeros((1, 2, 2, 3), np.float32))
