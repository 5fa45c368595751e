"""Tests of the conversion between 8-bit pixels and the pixel values of a model."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.cli import arrays


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [("", [0, 0.2, 1]), ("0..1", [0, 0.2, 1]), ("0..255", [0, 51, 255]), ("-1..1", [-1, -0.6, 1])],
)
def test_8_bit_pixels_become_the_values_that_a_model_expects(pixels: str, expected: list[float]) -> None:
    images = np.array([0, 51, 255], np.uint8)
    got = arrays.from_pixels(images, pixels)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    np.testing.assert_allclose(arrays.to_unit(got, pixels), images / 255, atol=1e-6)
