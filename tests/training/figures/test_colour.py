"""Compares grey images with Pillow, and the mean colour of each grey level with a loop."""

from __future__ import annotations

import numpy as np
from keras_gallery.training.figures.colour import MeanColours, to_grey
from PIL import Image

RNG = np.random.default_rng(0)


def test_grey_equals_pillow() -> None:
    colours = RNG.integers(0, 256, (3, 8, 8, 3), np.uint8)
    grey = to_grey(colours.astype(np.float32) / 255)
    expected = [np.asarray(Image.fromarray(image).convert("L")) / 255 for image in colours]
    assert grey.shape == (3, 8, 8, 1) and grey.dtype == np.float32
    np.testing.assert_allclose(grey[..., 0], expected, atol=0.6 / 255)  # Pillow rounds


def test_grey_value_of_white_is_at_most_1() -> None:
    assert to_grey(np.ones((1, 2, 2, 3), np.float32)).max() <= 1


def test_mean_colour_of_each_grey_level() -> None:
    train = RNG.random((20, 16, 16, 3), np.float32)
    test = RNG.random((2, 4, 4, 1), np.float32) * 0.2 + 0.4  # levels that the training images have
    answer = MeanColours(train)(test)
    levels = np.rint(to_grey(train)[..., 0] * 255)
    for index in np.ndindex(2, 4, 4):
        expected = train[levels == np.rint(test[index] * 255)].mean(axis=0)
        np.testing.assert_allclose(answer[index], expected, atol=1e-5)


def test_unseen_level_stays_grey() -> None:
    colours = MeanColours(np.zeros((1, 2, 2, 3), np.float32))
    np.testing.assert_allclose(colours(np.ones((1, 1, 1, 1), np.float32)), 1)
