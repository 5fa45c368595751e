"""Tests of `segmenter`: its sizes, its loss, and the pixels that each prediction depends on."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import BadHyperparameter, create

from ..gradients import gradient
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("shape", "classes"), [((64, 64, 1), 11), ((16, 24, 3), 4)])
def test_probabilities_for_each_pixel(shape: tuple[int, int, int], classes: int) -> None:
    model = create("segmenter", image_shape=shape, classes=classes)
    randomise(model)
    found = to_numpy(model(RANDOM.random((2, *shape), dtype=np.float32)))
    assert found.shape == (2, *shape[:2], classes)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)
    assert model.layers[-1].name == "pixel_probabilities"


def test_sizes_of_encoder_and_decoder() -> None:
    model = create("segmenter")
    sides = [model.get_layer(name).output.shape[1] for name in ("down_1_2", "down_2_2", "down_3_2", "down_4_2")]
    assert sides == [64, 32, 16, 8]
    for depth, (side, filters) in enumerate([(64, 8), (32, 16), (16, 32)], 1):
        assert model.get_layer(f"join_{depth}").output.shape == (None, side, side, 2 * filters)
        assert model.get_layer(f"up_{depth}_2").output.shape == (None, side, side, filters)


def test_pixel_class_depends_on_distant_pixels() -> None:
    """The class of a pixel depends on pixels that are 28 pixels away. A digit has this size."""
    model = create("segmenter")
    keras.utils.set_random_seed(0)
    x = RANDOM.random((1, 64, 64, 1), dtype=np.float32)
    slope = gradient(lambda x: ops.sum(ops.log(model(x))[0, 32, 32, 0]), x)[0, :, :, 0]
    for distant in (slope[:5], slope[61:], slope[:, :5], slope[:, 61:]):
        assert np.abs(distant).max() > 0


def test_skip_connections_pass_edges_to_the_decoder() -> None:
    """If the feature maps from the lower levels are zero, the output still depends on the image."""
    model = create("segmenter")
    randomise(model)
    grow = model.get_layer("grow_1")
    grow.set_weights([0 * weight for weight in grow.get_weights()])
    found = to_numpy(model(RANDOM.random((1, 64, 64, 1), dtype=np.float32)))
    assert found.std(axis=(1, 2)).max() > 1e-3


def test_loss_is_mean_over_pixels_and_zero_if_correct() -> None:
    labels = RANDOM.integers(11, size=(2, 8, 8))
    loss = keras.losses.SparseCategoricalCrossentropy()
    y_hat = RANDOM.dirichlet(np.ones(11), (2, 8, 8)).astype(np.float32)
    right = np.take_along_axis(y_hat, labels[..., None], axis=-1)
    np.testing.assert_allclose(float(loss(labels, y_hat)), -np.log(right).mean(), rtol=1e-4)
    assert float(loss(labels, np.eye(11, dtype=np.float32)[labels])) < 1e-5


def test_sides_that_cannot_be_halved_are_rejected() -> None:
    with pytest.raises(BadHyperparameter, match=r"multiples of 8. Received: \(64, 60, 1\)"):
        create("segmenter", image_shape=(64, 60, 1))
    assert create("segmenter", image_shape=(64, 60, 1), filters=(4, 4, 4)).output_shape == (None, 64, 60, 11)
