"""Recurrent layers as Keras and TensorFlow save them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

FEATURES, UNITS = 5, 3


def save(folder: Path, make: Callable[[Any], Any], length: int | None = None) -> Any:
    """The layers of `make` on series (batch, length, 5), with weights that are all random; returns the Keras model."""
    series = keras.Input((length, FEATURES), name="x")
    model = keras.Model(series, make(series))
    rng = np.random.default_rng(3)
    model.set_weights([0.5 * rng.normal(size=weight.shape) for weight in model.weights])
    model.export(str(folder), format="tf_saved_model", verbose=False)
    return model


def encoder_decoder(x: Any) -> Any:
    """The decoder begins with the encoder's states."""
    _, h, c = layers.LSTM(UNITS, return_state=True)(x)
    decoder = layers.LSTM(UNITS, return_sequences=True)
    return decoder(layers.RepeatVector(4)(h), initial_state=[h, c])


def three_layers(x: Any) -> Any:
    """Of all three kinds."""
    x = layers.SimpleRNN(4, return_sequences=True)(x)
    return layers.LSTM(UNITS)(layers.GRU(6, return_sequences=True)(x))


def layer(kind: Any, units: int = UNITS, **options: Any) -> Callable[[Any], Any]:
    """A new one, wherever it is used."""
    return lambda x: kind(units, **options)(x)


# For each name the layers, the length of the series, and how many operations they become.
FUSED: dict[str, tuple[Callable[[Any], Any], int | None, int]] = {
    "lstm": (layer(layers.LSTM, return_sequences=True, return_state=True), None, 1),
    "lstm_last": (layer(layers.LSTM), 6, 1),
    "lstm_square": (layer(layers.LSTM, FEATURES, use_bias=False), None, 1),  # both kernels have one shape
    "gru": (layer(layers.GRU, return_sequences=True, return_state=True), None, 1),
    "gru_no_bias": (layer(layers.GRU, use_bias=False), 6, 1),
    "gru_reset_before": (layer(layers.GRU, reset_after=False, return_sequences=True), None, 1),
    "gru_of_one": (layer(layers.GRU, 1, reset_after=False, use_bias=False), None, 1),
    "simple": (layer(layers.SimpleRNN, return_sequences=True), None, 1),
    "simple_relu": (layer(layers.SimpleRNN, activation="relu"), 6, 1),
    "both_ways": (lambda x: layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))(x), None, 2),
    "three_layers": (three_layers, None, 3),
    "encoder_decoder": (encoder_decoder, 6, 2),
    "convolved": (lambda x: layers.GRU(UNITS)(layers.Conv1D(4, 3, strides=2, padding="same")(x)), None, 1),
}
LEFT: dict[str, Callable[[Any], Any]] = {
    "masked": lambda x: layers.LSTM(UNITS)(layers.Masking()(x)),
    "other_activation": layer(layers.LSTM, activation="softplus"),
    "other_gates": layer(layers.GRU, recurrent_activation="hard_sigmoid"),
    "two_cells": lambda x: layers.RNN([layers.SimpleRNNCell(UNITS), layers.SimpleRNNCell(UNITS)])(x),
}


def series(batch: int, length: int) -> np.ndarray[Any, Any]:
    """Made-up input."""
    return np.random.default_rng(batch).normal(size=(batch, length, FEATURES)).astype(np.float32)


# === Loops that are all but those of Keras: from the weights, a row and the states to the new states ===


def simple(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """Keras's SimpleRNN."""
    kernel, recurrent, bias, _ = weights
    return (tf.tanh(x @ kernel + bias + h @ recurrent),)


def residual(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """The state is added."""
    return (simple(weights, x, h)[0] + h,)


def squashed(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """One more tanh."""
    return (tf.tanh(simple(weights, x, h)[0]),)


def turned_weights(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """The state times the transposed recurrent kernel."""
    kernel, recurrent, bias, _ = weights
    return (tf.tanh(x @ kernel + bias + tf.matmul(h, recurrent, transpose_b=True)),)


def lstm(weights: Any, x: Any, h: Any, c: Any, order: str = "ifgo", squash: Any = tf.tanh) -> tuple[Any, ...]:
    """Keras's LSTM, where the gates are in this order and the output is squashed so."""
    kernel, recurrent, bias, _ = weights
    gates = dict(zip(order, tf.split(x @ kernel + h @ recurrent + bias, 4, axis=1), strict=True))
    c = tf.sigmoid(gates["f"]) * c + tf.sigmoid(gates["i"]) * tf.tanh(gates["g"])
    return tf.sigmoid(gates["o"]) * squash(c), c


def gru(weights: Any, x: Any, h: Any, *, turned: bool = False) -> tuple[Any, ...]:
    """A GRU that mixes old and new state as Keras does, or turned round, as others do."""
    kernel, recurrent, bias, recurrent_bias = weights
    xz, xr, xg = tf.split(x @ kernel + bias, 3, axis=1)
    hz, hr, hg = tf.split(h @ recurrent + recurrent_bias, 3, axis=1)
    z = tf.sigmoid(xz + hz)
    g = tf.tanh(xg + tf.sigmoid(xr + hr) * hg)
    return (z * g + (1 - z) * h if turned else z * h + (1 - z) * g,)


def save_loop(
    folder: Path,
    step: Callable[..., tuple[Any, ...]],
    *,
    gates: int = 1,
    states: int = 1,
    bounded: bool = True,
    steps: Callable[[Any], Any] = lambda time: time,
    start: int = 0,
    by: int = 1,
    read: Callable[[Any, Any], Any] = lambda at, time: at,
    write: Callable[[Any, Any], Any] = lambda at, time: at,
) -> None:
    """A loop as Keras writes it, by default.

    Args:
        bounded: as in Keras 3; OpenVINO has another kind of loop for those without a bound.
        steps: how many there are.
        start, by: how the steps are counted.
        read, write: which rows belong to a step.
    """
    rng = np.random.default_rng(7)
    shapes = ((FEATURES, gates * UNITS), (UNITS, gates * UNITS), (gates * UNITS,), (gates * UNITS,))
    weights = [tf.Variable(rng.normal(size=shape).astype(np.float32)) for shape in shapes]

    @tf.function(input_signature=[tf.TensorSpec([None, None, FEATURES], tf.float32, name="x")])
    def run(x: Any) -> dict[str, Any]:
        rows = tf.transpose(x, [1, 0, 2])
        time = tf.shape(rows)[0]
        source = tf.TensorArray(tf.float32, time).unstack(rows)

        def body(at: Any, outputs: Any, *states: Any) -> tuple[Any, ...]:
            new = step(weights, source.read(read(at, time)), *states)
            return at + by, outputs.write(write(at, time), new[0]), *new

        zeros = tf.zeros([tf.shape(x)[0], UNITS])
        first = (start, tf.TensorArray(tf.float32, time, element_shape=[None, UNITS]), *[zeros] * states)
        bound = time if bounded else None
        last = tf.while_loop(lambda at, *_: at < steps(time), body, first, maximum_iterations=bound)
        return {"h": last[2], "y": tf.transpose(last[1].stack(), [1, 0, 2])}

    module = tf.Module()
    module.run, module.weights = run, weights
    tf.saved_model.save(module, str(folder), {"serving_default": run})


EXACT: dict[str, dict[str, Any]] = {
    "simple": {"step": simple},
    "lstm": {"step": lstm, "states": 2, "gates": 4},
    "gru": {"step": gru, "gates": 3},
    "unbounded": {"step": simple, "bounded": False},
}
OTHERWISE: dict[str, dict[str, Any]] = {
    "residual": {"step": residual},
    "squashed": {"step": squashed},
    "turned_weights": {"step": turned_weights},
    "lstm_of_other_gates": {"step": partial(lstm, order="figo"), "states": 2, "gates": 4},
    "lstm_with_plain_output": {"step": partial(lstm, squash=tf.identity), "states": 2, "gates": 4},
    "gru_turned": {"step": partial(gru, turned=True), "gates": 3},
    "leaves_one_out": {"step": simple, "steps": lambda time: time - 1},
    "unbounded_leaves_one_out": {"step": simple, "steps": lambda time: time - 1, "bounded": False},
    "begins_with_the_second": {"step": simple, "start": 1},
    "takes_every_second": {"step": simple, "by": 2},
    "reads_backwards": {"step": simple, "read": lambda at, time: time - 1 - at},
    "reads_one_row": {"step": simple, "read": lambda at, time: 0},
    "writes_backwards": {"step": simple, "write": lambda at, time: time - 1 - at},
}
