"""Endpoints that take sequences of different lengths, padded to the length of the longest sequence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..steps import padded as steps
from ..steps.base import Step
from .base import Arrays, Data, Endpoint, Part, Tensors, joined

LENGTH = "length"


def padded(model: keras.Model, data: Data, endpoints: dict[str, Endpoint], names: Iterable[str]) -> dict[str, Endpoint]:
    """Returns endpoints that take padded sequences, such as `forecast_padded` for `forecast`.

    The inputs are the sequences (batch, time, features) and the length of each sequence (batch,). Values after the end
    of a sequence are ignored. Returns an empty dict if padding changes the model's output, or if the model takes only
    sequences of one length.

    Args:
        model: the model.
        data: the model's input.
        endpoints: endpoints on sequences of equal length.
        names: names of the endpoints to convert. Names that are not in `endpoints` are ignored.
    """
    if data.kind not in ("sequence", "history") or not _supports_masks(model, data):
        return {}
    rng, least = np.random.default_rng(0), data.too_short + 1
    inputs = [data.spec, tf.TensorSpec((None,), tf.int32, name=LENGTH)]

    def example(batch: int) -> Arrays:
        sequences = data.example(batch)
        time = sequences[data.kind].shape[1]
        return sequences | {LENGTH: rng.integers(least, time, batch, np.int32, endpoint=True)}

    def on_padded(endpoint: Endpoint) -> Part:
        def masked(x: Any, length: Any) -> Tensors:
            outputs: Tensors = _call_masked(endpoint.function, x, _checked(length, least, tf.shape(x)[1]))
            return outputs

        def step(*inner: Step) -> Step:
            return steps.Padded(data.kind, LENGTH, least, inner)

        return Part(masked, (data.kind, LENGTH), step, endpoint.parts)

    return {
        f"{name}_padded": joined(
            [on_padded(endpoints[name])],
            inputs,
            example,
            notes=data.notes,
            output_notes=endpoints[name].output_notes,
        )
        for name in names
        if name in endpoints
    }


def _call_masked(function: Callable[[Any], Any], x: Any, length: Any) -> Any:
    """Calls `function` on sequences with a mask. Ignores Keras's warning that the model's output has no mask."""
    x = tf.identity(x)
    x._keras_mask = tf.sequence_mask(length, tf.shape(x)[1])
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        return function(x)


def _checked(length: Any, least: int, most: Any) -> Any:
    wrong = tf.boolean_mask(length, tf.logical_or(length < least, length > most))
    message = tf.strings.format(f"Expected lengths from {least} to {{}}. Received: {{}}", [most, wrong[:1]])
    with tf.control_dependencies([tf.debugging.Assert(tf.size(wrong) == 0, [message])]):
        return tf.identity(length)


def _supports_masks(model: keras.Model, data: Data) -> bool:
    """Returns whether the model takes sequences of any length, and ignores masked steps.

    Compares outputs with masked steps and without these steps. If a layer drops the mask, Keras raises no error: it
    only warns.
    """
    if data.shape[0] is not None:
        return False
    x = tf.constant(data.example(2)[data.kind])
    try:
        masked = _call_masked(lambda each: model(each, training=False), x, [x.shape[1] - 2] * 2)
        short = model(x[:, :-2], training=False)
    except (ValueError, tf.errors.InvalidArgumentError):  # a layer rejects sequences of this length
        return False
    return np.shape(masked) == np.shape(short) and np.allclose(masked, short, rtol=1e-4, atol=1e-5)
