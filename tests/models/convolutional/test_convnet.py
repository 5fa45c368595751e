"""Tests of `convnet`: its layers as in lecture notes 004, its output in NumPy, and the effect of moving an image."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create

from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)

TABLE = [  # layer, output shape, parameters
    ("image", (28, 28, 1), 0),
    ("conv2d_1", (26, 26, 32), 320),
    ("max_pooling2d_1", (13, 13, 32), 0),
    ("conv2d_2", (11, 11, 64), 18_496),
    ("max_pooling2d_2", (5, 5, 64), 0),
    ("conv2d_3", (3, 3, 64), 36_928),
    ("flatten", (576,), 0),
    ("embedding", (64,), 36_928),
    ("probabilities", (10,), 650),
]


def table(model: keras.Model) -> list[tuple[str, tuple[int, ...], int]]:
    return [(layer.name, tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers]


def test_layers_match_the_table_of_the_lecture_notes() -> None:
    model = create("convnet")
    assert table(model) == TABLE
    assert model.count_params() == 93_322


def test_dropout_adds_no_parameters_and_is_off_at_inference() -> None:
    model, plain = create("convnet", dropout=0.5), create("convnet")
    assert [row for row in table(model) if not row[0].startswith("dropout")] == TABLE
    assert [row[0] for row in table(model)].index("dropout_1") == 7
    plain.set_weights(model.get_weights())
    x = RANDOM.random((2, 28, 28, 1), dtype=np.float32)
    np.testing.assert_array_equal(to_numpy(model(x)), to_numpy(plain(x)))
    assert (to_numpy(model(x, training=True)) != to_numpy(plain(x))).any()


def test_convolution_and_max_pooling() -> None:
    """The convolution computes max(0, K * x + b) for each 3 × 3 window, the pooling the maximum of each 2 × 2 block."""
    model = create("convnet", image_shape=(19, 18, 2))
    kernel, bias, *_ = randomise(model)
    x = RANDOM.normal(size=(2, 19, 18, 2)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))  # (2, 17, 16, channels, 3, 3)
    expected = np.maximum(np.einsum("bmncij,ijck->bmnk", windows, kernel) + bias, 0)
    maps = to_numpy(model.get_layer("conv2d_1")(x))
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-5)
    pooled = expected[:, :16].reshape(2, 8, 2, 8, 2, 32).max(axis=(2, 4))  # an odd last row is left out
    np.testing.assert_allclose(to_numpy(model.get_layer("max_pooling2d_1")(maps)), pooled, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("layer", "pixels"), [("conv2d_1", 1), ("conv2d_2", 2), ("conv2d_3", 4)])
def test_feature_maps_move_with_the_image(layer: str, pixels: int) -> None:
    """If the image moves by the total pooling factor before a layer, the maps of the layer move by one position."""
    model = create("convnet")
    randomise(model)
    maps = keras.Model(model.input, model.get_layer(layer).output)
    x = np.zeros((1, 28, 28, 1), np.float32)
    x[:, 8:20, 6:18] = RANDOM.random((1, 12, 12, 1))
    before = to_numpy(maps(x))
    after = to_numpy(maps(np.roll(x, (pixels, pixels), axis=(1, 2))))
    np.testing.assert_allclose(after[:, 1:, 1:], before[:, :-1, :-1], rtol=1e-4, atol=1e-4)
    assert np.abs(after - before).max() > 0.1


def test_dense_layer_changes_with_a_moved_image() -> None:
    """The position of the object changes the output of a dense layer, but not the maximum of a feature map."""
    x = np.zeros((1, 28, 28, 1), np.float32)
    x[:, 8:20, 6:18] = RANDOM.random((1, 12, 12, 1))
    moved = np.roll(x, (5, 7), axis=(1, 2))
    convolution, dense = create("convnet"), create("mlp_classifier", activation="tanh")
    filters = convolution.get_layer("conv2d_1")
    strongest = [to_numpy(filters(each)).max(axis=(1, 2)) for each in (x, moved)]
    np.testing.assert_allclose(*strongest, rtol=1e-5)
    units = keras.Model(dense.input, dense.get_layer("hidden_1").output)
    assert np.abs(to_numpy(units(x)) - to_numpy(units(moved))).mean() > 0.1


def test_other_sizes() -> None:
    assert create("convnet", image_shape=(32, 40, 3), classes=4).output_shape == (None, 4)
    assert create("convnet", image_shape=(18, 18, 1)).get_layer("conv2d_3").output.shape == (None, 1, 1, 64)
    with pytest.raises(BadHyperparameter, match="a window of 3 × 3 does not fit on feature maps of 8 × 2"):
        create("convnet", image_shape=(40, 17, 1))
