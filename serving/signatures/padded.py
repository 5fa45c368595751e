"""The forms of endpoints that take sequences of different lengths, padded to the longest."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .base import Arrays, Data, Endpoint, Tensors

LENGTH = "length"


def padded(model: keras.Model, data: Data, found: dict[str, Endpoint], names: Iterable[str]) -> dict[str, Endpoint]:
    """`forecast` as `forecast_padded` and so on, where `found` has it: the same function of sequences (batch, time,
    features) and of the length of each (batch,), whatever stands behind it.

    None for a model that answers otherwise for a padded sequence than for the sequence alone.
    """
    if data.kind not in ("sequence", "history") or not _takes_masks(model, data):
        return {}
    rng = np.random.default_rng(0)
    inputs = [data.spec, tf.TensorSpec((None,), tf.int32, name=LENGTH)]

    def example(batch: int) -> Arrays:
        made = data.example(batch)
        time = made[data.kind].shape[1]
        return made | {LENGTH: rng.integers(data.least + 1, time, batch, np.int32, endpoint=True)}

    def over(function: Callable[..., Tensors]) -> Callable[..., Tensors]:
        return lambda x, length: _masked(function, x, _checked(length, data.least + 1, tf.shape(x)[1]))

    return {f"{name}_padded": Endpoint(over(found[name].function), inputs, example) for name in names if name in found}


def _masked(function: Callable[[Any], Any], x: Any, length: Any) -> Any:
    """What a function gives behind a layer that masks. Keras warns that a model as a whole hands no mask on."""
    x = tf.identity(x)
    x._keras_mask = tf.sequence_mask(length, tf.shape(x)[1])
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        return function(x)


def _checked(length: Any, least: int, most: Any) -> Any:
    wrong = tf.boolean_mask(length, tf.logical_or(length < least, length > most))
    refusal = tf.strings.format(f"Expected lengths from {least} to {{}}. Received: {{}}", [most, wrong[:1]])
    with tf.control_dependencies([tf.debugging.Assert(tf.size(wrong) == 0, [refusal])]):
        return tf.identity(length)


def _takes_masks(model: keras.Model, data: Data) -> bool:
    """Whether steps that are masked change nothing. Keras does no more than warn where a layer drops a mask."""
    x = tf.constant(data.example(2)[data.kind])
    masked = _masked(lambda each: model(each, training=False), x, [x.shape[1] - 2] * 2)
    return bool(np.allclose(masked, model(x[:, :-2], training=False), rtol=1e-4, atol=1e-5))
