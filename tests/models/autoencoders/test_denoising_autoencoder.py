"""Tests of `denoising_autoencoder`: its noise, its shapes, and its convolutional and dense networks."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import create

SMALL = {"image_shape": (8, 8, 1), "code_dim": 3, "filters": (4,)}


@pytest.mark.parametrize("network", ["convolutional", "dense"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 7, 3), (2, 30, 1)])
def test_output_has_the_shape_of_the_input(network: str, shape: tuple[int, ...]) -> None:
    model = create("denoising_autoencoder", network=network, image_shape=shape, code_dim=5)
    x = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    rebuilt = keras.ops.convert_to_numpy(model(x))
    assert rebuilt.shape == x.shape
    assert keras.ops.convert_to_numpy(model.get_layer("encoder")(x)).shape == (2, 5)
    assert rebuilt.min() >= 0 and rebuilt.max() <= 1


@pytest.mark.parametrize("noise", ["gaussian", "masking", "salt_and_pepper"])
def test_noise_is_added_only_in_training(noise: str) -> None:
    model = create("denoising_autoencoder", **SMALL, noise=noise, noise_level=0.5)
    x = np.random.default_rng(0).random((4, 8, 8, 1), dtype=np.float32)
    layer = model.get_layer("corruption")
    assert (layer.noise, layer.level) == (noise, 0.5)
    assert model.layers.index(layer) < model.layers.index(model.get_layer("encoder"))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(model(x)), keras.ops.convert_to_numpy(model(x, training=False))
    )
    assert (
        np.abs(keras.ops.convert_to_numpy(model(x, training=True)) - keras.ops.convert_to_numpy(model(x))).max() > 1e-4
    )


def test_each_training_step_has_new_noise() -> None:
    """With a learning rate of 0, the weights stay constant, so only the noise can change the loss."""
    model = create("denoising_autoencoder", **SMALL)
    model.compile(keras.optimizers.SGD(0.0), "mean_squared_error")
    x = np.random.default_rng(0).random((4, 8, 8, 1), dtype=np.float32)
    losses = model.fit(x, x, epochs=2, verbose=0).history["loss"]
    assert losses[0] != losses[1]


def test_the_convolutional_decoder_mirrors_the_encoder() -> None:
    model = create("denoising_autoencoder", filters=(2, 3, 5), code_dim=7)
    down, up = (
        [layer.output.shape[1:] for layer in model.get_layer(part).layers if type(layer) is layer_type]
        for part, layer_type in (("encoder", keras.layers.Conv2D), ("decoder", keras.layers.Conv2DTranspose))
    )
    assert down == [(14, 14, 2), (7, 7, 3), (4, 4, 5)]
    assert up == [(7, 7, 3), (14, 14, 2), (28, 28, 1)]


def test_the_dense_network_has_the_parameters_of_the_dense_autoencoder() -> None:
    model = create("denoising_autoencoder", network="dense", code_dim=3)
    assert model.count_params() == (784 * 3 + 3) + (3 * 784 + 784)


def test_more_layers_than_needed_for_one_pixel() -> None:
    model = create("denoising_autoencoder", image_shape=(5, 4, 1), filters=(2,) * 6)
    x = np.ones((1, 5, 4, 1), np.float32)
    assert keras.ops.convert_to_numpy(model(x)).shape == x.shape
