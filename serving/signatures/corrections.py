"""Corrects layers of Keras 3.15 that fail or compute something else in a graph.

- `TimeDistributed` for sequences of any length loops over the batch size instead of the length: its `call` reads the
  shape before it swaps these two dimensions. A batch of 5 sequences of length 16 would give 5 steps.
- `UpSampling2D` with an interpolation such as "bilinear" fails for images of any size, because `ops.image.resize`
  compares the new size with 0 in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras import ops

_call = keras.layers.TimeDistributed.call
_resize_images = keras.layers.UpSampling2D._resize_images


@contextmanager
def corrected() -> Iterator[None]:
    """Within this context, graphs of these layers compute the same as the layers without a graph."""
    keras.layers.TimeDistributed.call = _call_for_any_length
    keras.layers.UpSampling2D._resize_images = _resize_any_size
    try:
        yield
    finally:
        keras.layers.TimeDistributed.call = _call
        keras.layers.UpSampling2D._resize_images = _resize_images


def _call_for_any_length(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    if inputs.shape[1] is not None or training:
        return _call(layer, inputs, training=training, mask=mask)
    batch, length = ops.shape(inputs)[:2]
    options: dict[str, Any] = {"training": training} if layer.layer._call_has_training_arg else {}
    if layer.layer._call_has_mask_arg and mask is not None:
        options["mask"] = ops.reshape(mask, (-1, *ops.shape(mask)[2:]))
    # Without training, a layer computes each example alone. So the steps of all sequences can be one batch.
    steps = layer.layer.call(ops.reshape(inputs, (-1, *ops.shape(inputs)[2:])), **options)
    return keras.tree.map_structure(lambda each: ops.reshape(each, (batch, length, *ops.shape(each)[1:])), steps)


def _resize_any_size(
    layer: Any, x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest"
) -> Any:
    if interpolation == "nearest" or None not in x.shape[1:] or not tf.is_tensor(x):
        return _resize_images(layer, x, height_factor, width_factor, data_format, interpolation=interpolation)
    is_first = data_format == "channels_first"
    x = tf.transpose(x, (0, 2, 3, 1)) if is_first else x
    size = tf.shape(x)[1:3] * (height_factor, width_factor)
    resized = tf.image.resize(x, size, interpolation)
    resized = ops.saturate_cast(ops.round(resized) if x.dtype.is_integer else resized, x.dtype)
    return tf.transpose(resized, (0, 3, 1, 2)) if is_first else resized
