"""Tests of gradient ascent: the best inputs of networks for which they are known."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.training.figures.best_inputs import best_inputs, deeper_layer, of_deeper_units

RNG = np.random.default_rng(0)


def network(*layers: keras.layers.Layer, shape: tuple[int, int, int] = (4, 3, 1)) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = x = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(image, x)


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    first, second = (each.reshape(len(each), -1) for each in (first, second))
    return (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)


def test_the_best_input_of_a_linear_network_is_its_product_of_weights() -> None:
    """By the Cauchy–Schwarz inequality, it has the direction of the row of W₂ W₁. A sigmoid does not change it."""
    first, second = keras.layers.Dense(6), keras.layers.Dense(5, "sigmoid")
    model = network(keras.layers.Flatten(), first, second)
    weights = [layer.get_weights() for layer in model.layers]
    found = best_inputs(model, second, norm=3.0)
    assert found.shape == (5, 4, 3, 1) and found.dtype == np.float32
    product = (first.get_weights()[0] @ second.get_weights()[0]).T  # (units, 12)
    np.testing.assert_allclose(cosines(found, product), 1, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found.reshape(5, -1), axis=1), 3, rtol=1e-4)
    assert len(best_inputs(model, second, norm=3.0, units=2)) == 2
    keras.tree.map_structure(np.testing.assert_array_equal, weights, [layer.get_weights() for layer in model.layers])


def test_the_best_input_of_a_filter_in_a_corner() -> None:
    """A filter of 2 × 2 values on an image of 2 × 2 values: the best image is the filter itself."""
    kernel = RNG.normal(size=(2, 2, 1, 3)).astype(np.float32)
    layer = keras.layers.Conv2D(3, 2, activation="relu")
    model = network(keras.layers.Activation("linear"), layer, shape=(2, 2, 1))
    layer.set_weights([kernel, np.zeros(3)])
    found = best_inputs(model, layer, norm=1.0)
    best = kernel.transpose(3, 0, 1, 2)
    np.testing.assert_allclose(found, best / np.linalg.norm(best.reshape(3, -1), axis=1).reshape(3, 1, 1, 1), atol=1e-2)


def test_no_random_input_activates_a_unit_more() -> None:
    hidden = [keras.layers.Dense(units, "relu") for units in (20, 10)]
    last = keras.layers.Dense(4)
    model = network(keras.layers.Flatten(), *hidden, last)
    found = best_inputs(model, last, norm=2.0)
    assert (np.linalg.norm(found.reshape(4, -1), axis=1) <= 2 + 1e-4).all()
    activations = np.diagonal(model.predict(found, verbose=0))
    others = RNG.normal(size=(20_000, 4, 3, 1)).astype(np.float32)
    others *= 2 / np.sqrt(np.square(others).sum(axis=(1, 2, 3), keepdims=True))
    assert (activations > model.predict(others, verbose=0, batch_size=5_000).max(axis=0)).all()
    np.testing.assert_array_equal(found, best_inputs(model, last, norm=2.0))


@pytest.mark.parametrize(
    ("name", "hyperparameters", "layer"),
    [
        ("convnet", {}, "embedding"),
        ("residual_network", {"filters": (4,), "blocks": 1}, "block_1_1_conv_2"),
        ("mlp_classifier", {"hidden": (8,)}, None),
        ("stacked_autoencoder", {"hidden": (8,), "code_dim": 4}, "code"),
        ("variational_autoencoder", {"hidden": (8,)}, "mean"),
        ("dense_autoencoder", {}, None),
    ],
)
def test_the_deeper_layer_of_a_model(name: str, hyperparameters: dict[str, Any], layer: str | None) -> None:
    model = create(name, **hyperparameters)
    found = deeper_layer(model.get_layer("encoder") if name.endswith("autoencoder") else model)
    assert (found and found.name) == layer


def test_the_norm_is_that_of_the_images() -> None:
    images = RNG.random((6, 28, 28, 1), np.float32)
    model = create("stacked_autoencoder", hidden=(8,), code_dim=4).get_layer("encoder")
    deeper = of_deeper_units(model, images)
    assert deeper is not None and deeper[0] == "code"
    expected = np.mean([np.linalg.norm(image) for image in images])
    np.testing.assert_allclose([np.linalg.norm(each) for each in deeper[1]], expected, rtol=1e-4)
    assert of_deeper_units(create("dense_autoencoder").get_layer("encoder"), images) is None
