"""Tests of the blocks of `conv_blocks`, and of the size of feature maps for each padding and stride."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create

from ..layer_checks import randomise, to_numpy

LAYER_NAMES = {keras.layers.Conv2D: "conv", keras.layers.MaxPooling2D: "pool", keras.layers.Dense: "dense"}


def pattern(model: keras.Model) -> list[str]:
    return [LAYER_NAMES[type(layer)] for layer in model.layers if type(layer) in LAYER_NAMES]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 3])
def test_order_of_the_layers(n: int, k: int) -> None:
    """The pattern is ((convolution + ReLU) × k + pooling) × n + two dense layers."""
    model = create("conv_blocks", filters=(4,) * n, convolutions=k)
    assert pattern(model) == (["conv"] * k + ["pool"]) * n + ["dense", "dense"]
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert layer.activation is keras.activations.relu


def test_filters_grow_as_maps_shrink() -> None:
    maps = [layer.output.shape[1:] for layer in create("conv_blocks").layers if "pool" in layer.name]
    assert maps == [(14, 14, 32), (7, 7, 64)]


def size_after(n: int, f: int, p: int, s: int) -> int:
    return (n + 2 * p - f) // s + 1


@pytest.mark.parametrize(
    ("n", "f", "s", "padding", "p"),
    [
        (3, 2, 1, "valid", 0),  # the example of lecture notes 004: 3 × 3 becomes 2 × 2
        (28, 3, 1, "valid", 0),
        (28, 5, 2, "valid", 0),
        (11, 3, 3, "valid", 0),
        (28, 3, 1, "same", 1),
        (28, 5, 1, "same", 2),
        (9, 3, 2, "same", 1),
        (9, 5, 3, "same", 2),
    ],
)
def test_the_size_after_a_convolution(n: int, f: int, s: int, padding: str, p: int) -> None:
    """The size is ⌊(n + 2p − f) / s⌋ + 1."""
    expected = size_after(n, f, p, s)
    model = create(
        "conv_blocks", image_shape=(n, n, 1), filters=(2,), kernel_size=f, strides=s, padding=padding, units=4
    )
    assert model.get_layer("conv_1_1").output.shape == (None, expected, expected, 2)
    assert model.get_layer("pool_1").output.shape == (None, expected // 2, expected // 2, 2)


def test_a_filter_of_2_by_2_on_an_image_of_3_by_3() -> None:
    """In an image with the values a … i, the filter is applied to abde, bcef, degh and efhi."""
    model = create("conv_blocks", image_shape=(3, 3, 1), filters=(1,), kernel_size=2, padding="valid", units=1)
    kernel, *_ = randomise(model)
    model.get_layer("conv_1_1").bias.assign([10.0])  # so that the ReLU has no effect
    a, b, c, d, e, f, g, h, i = letters = np.random.default_rng(0).normal(size=9).astype(np.float32)
    windows = np.array([[(a, b, d, e), (b, c, e, f)], [(d, e, g, h), (e, f, h, i)]])
    found = to_numpy(model.get_layer("conv_1_1")(letters.reshape(1, 3, 3, 1)))[0, :, :, 0]
    np.testing.assert_allclose(found, windows @ kernel.ravel() + 10, rtol=1e-5)


def test_same_padding_adds_zeros_around_the_image() -> None:
    """A filter with its only 1 in the lower right corner returns the lower right neighbour of each pixel.

    At the edge, it returns the padding, 0.
    """
    model = create("conv_blocks", image_shape=(4, 4, 1), filters=(1,), units=1)
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[2, 2] = 1
    model.get_layer("conv_1_1").set_weights([kernel, np.zeros(1)])
    x = np.random.default_rng(0).random((4, 4), dtype=np.float32)
    found = to_numpy(model.get_layer("conv_1_1")(x[None, :, :, None]))[0, :, :, 0]
    np.testing.assert_array_equal(found, np.pad(x[1:, 1:], ((0, 1), (0, 1))))


@pytest.mark.parametrize(("pooling", "function"), [("max", np.max), ("average", np.mean)])
def test_pooling_of_2_by_2_values(pooling: str, function: Callable[..., np.ndarray]) -> None:
    """The last row and the last column of a map with an odd height and width are left out."""
    model = create("conv_blocks", image_shape=(5, 7, 1), filters=(3,), units=1, pooling=pooling)
    maps = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype(np.float32)
    windows = maps[:, :4, :6].reshape(2, 2, 2, 3, 2, 3)  # (batch, rows, 2, columns, 2, channels)
    found = to_numpy(model.get_layer("pool_1")(maps))
    np.testing.assert_allclose(found, function(windows, axis=(2, 4)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (2, 9, 1), "padding": "valid"}, "a window of 3 × 3 does not fit on feature maps of 2 × 9"),
        ({"image_shape": (2, 2, 1)}, "a window of 2 × 2 does not fit on feature maps of 1 × 1"),
    ],
)
def test_too_small_images_are_rejected(options: dict, message: str) -> None:
    with pytest.raises(BadHyperparameter, match=f"^image_shape is too small: {message}"):
        create("conv_blocks", **options)
