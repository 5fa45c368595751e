"""Checks that `colorization_autoencoder` returns the grey image plus the output of the decoder, clipped to [0, 1]."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create

from ..layer_checks import to_numpy

GREY = np.random.default_rng(0).uniform(0.1, 0.9, (3, 6, 5, 1)).astype(np.float32)


def small() -> keras.Model:
    return create("colorization_autoencoder", image_shape=(6, 5, 3), filters=(4, 2))


def with_constant_decoder(colour: tuple[float, float, float]) -> keras.Model:
    """Returns a model whose decoder returns `colour` for each pixel."""
    model = small()
    decoder = model.get_layer("decoder")
    *zeros, bias = (np.zeros_like(each) for each in decoder.get_weights())
    decoder.set_weights([*zeros, bias + np.array(colour, np.float32)])
    return model


def test_output_is_grey_if_the_decoder_returns_zero() -> None:
    np.testing.assert_array_equal(to_numpy(with_constant_decoder((0, 0, 0))(GREY)), np.repeat(GREY, 3, axis=-1))


def test_decoder_output_is_added_to_grey() -> None:
    added = np.array([0.05, -0.05, 0.1], np.float32)
    np.testing.assert_allclose(to_numpy(with_constant_decoder(tuple(added))(GREY)), GREY + added, rtol=1e-5)


def test_colours_are_clipped() -> None:
    found = to_numpy(with_constant_decoder((0.5, -0.5, 2.0))(GREY))
    np.testing.assert_allclose(found, np.clip(GREY + np.array([0.5, -0.5, 2.0], np.float32), 0, 1), atol=1e-6)
    assert found.max() == 1 and found.min() == 0


def test_shapes() -> None:
    model = small()
    assert (model.input_shape, model.output_shape) == ((None, 6, 5, 1), (None, 6, 5, 3))
    assert model.get_layer("encoder").output_shape == (None, 2, 2, 2)
    assert model.get_layer("decoder").output_shape == (None, 6, 5, 3)


@pytest.mark.parametrize("channels", [1, 4])
def test_images_without_three_channels_are_rejected(channels: int) -> None:
    with pytest.raises(BadHyperparameter, match=f"^Expected image_shape to have 3 channels. Received: {channels}.$"):
        create("colorization_autoencoder", image_shape=(6, 5, channels))
