"""The blocks of `conv_blocks`, and the sizes after padding and stride."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create

from ..layer_checks import randomise, to_numpy

KINDS = {keras.layers.Conv2D: "conv", keras.layers.MaxPooling2D: "pool", keras.layers.Dense: "dense"}


def pattern(model: keras.Model) -> list[str]:
    return [KINDS[type(layer)] for layer in model.layers if type(layer) in KINDS]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 3])
def test_both_patterns(n: int, k: int) -> None:
    """((convolution + ReLU) × k + pooling) × n + dense."""
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
        (3, 2, 1, "valid", 0),  # the notes' example: 3 × 3 becomes 2 × 2
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
    """⌊(n + 2p − f) / s⌋ + 1."""
    expected = size_after(n, f, p, s)
    model = create(
        "conv_blocks", image_shape=(n, n, 1), filters=(2,), kernel_size=f, strides=s, padding=padding, units=4
    )
    assert model.get_layer("conv_1_1").output.shape == (None, expected, expected, 2)
    assert model.get_layer("pool_1").output.shape == (None, expected // 2, expected // 2, 2)


def test_a_map_of_3_by_3_under_a_filter_of_2_by_2() -> None:
    """In an image with the values a … i, the filter is applied to abde, bcef, degh and efhi."""
    model = create("conv_blocks", image_shape=(3, 3, 1), filters=(1,), kernel_size=2, padding="valid", units=1)
    kernel, *_ = randomise(model)
    model.get_layer("conv_1_1").bias.assign([10.0])  # so that the ReLU has no effect
    a, b, c, d, e, f, g, h, i = letters = np.random.default_rng(0).normal(size=9).astype(np.float32)
    seen = np.array([[(a, b, d, e), (b, c, e, f)], [(d, e, g, h), (e, f, h, i)]])
    found = to_numpy(model.get_layer("conv_1_1")(letters.reshape(1, 3, 3, 1)))[0, :, :, 0]
    np.testing.assert_allclose(found, seen @ kernel.ravel() + 10, rtol=1e-5)


def test_same_padding_keeps_the_size_with_zeros_around() -> None:
    """A filter that is 1 in its lower right corner returns each pixel's lower right neighbour; 0 at the edge."""
    model = create("conv_blocks", image_shape=(4, 4, 1), filters=(1,), units=1)
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[2, 2] = 1
    model.get_layer("conv_1_1").set_weights([kernel, np.zeros(1)])
    x = np.random.default_rng(0).random((4, 4), dtype=np.float32)
    found = to_numpy(model.get_layer("conv_1_1")(x[None, :, :, None]))[0, :, :, 0]
    np.testing.assert_array_equal(found, np.pad(x[1:, 1:], ((0, 1), (0, 1))))


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
