"""Tests of layers in graphs, compared with their results without a graph."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.signatures.corrections import corrected


@pytest.mark.parametrize(
    ("inner", "shape"),
    [
        (lambda: keras.layers.Dense(3), (None, 4)),
        (lambda: keras.layers.LSTM(3), (None, 5, 4)),
        (lambda: keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Dropout(0.5)]), (None, 6, 6, 1)),
    ],
)
@pytest.mark.parametrize(("batch", "length"), [(1, 4), (3, 7), (4, 2)])
def test_each_step_has_a_result(inner: Any, shape: tuple[int | None, ...], batch: int, length: int) -> None:
    source = keras.Input(shape)
    model = keras.Model(source, keras.layers.TimeDistributed(inner())(source))
    x = np.random.default_rng(0).random((batch, length, *shape[1:]), np.float32)
    expected = model(x, training=False)
    with corrected():
        graph = tf.function(lambda x: model(x, training=False), autograph=False).get_concrete_function(
            tf.TensorSpec((None, *shape))
        )
    np.testing.assert_allclose(graph(tf.constant(x)), expected, atol=1e-6)


def test_masks_reach_the_inner_layer() -> None:
    source = keras.Input((None, 4))
    masked = keras.layers.Masking()(source)
    model = keras.Model(source, keras.layers.TimeDistributed(keras.layers.Dense(3))(masked))
    x = np.ones((2, 5, 4), np.float32)
    with corrected():
        graph = tf.function(lambda x: model(x), autograph=False).get_concrete_function(tf.TensorSpec((None, None, 4)))
    np.testing.assert_allclose(graph(tf.constant(x)), model(x), atol=1e-6)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_images_of_any_size_are_enlarged(interpolation: str, data_format: str) -> None:
    shape = (None, None, 2) if data_format == "channels_last" else (2, None, None)
    layer = keras.layers.UpSampling2D((2, 3), data_format, interpolation)
    x = np.random.default_rng(0).random((3, *(size or 4 + at for at, size in enumerate(shape))), np.float32)
    with corrected():
        graph = tf.function(layer, autograph=False).get_concrete_function(tf.TensorSpec((None, *shape)))
    np.testing.assert_allclose(graph(tf.constant(x)), layer(x), atol=1e-6)
