"""Recurrent layers as Keras and TensorFlow save them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

FEATURES, UNITS = 5, 3
Step = Callable[..., tuple[tf.Tensor, ...]]


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


# For each name the layers, the length of the series, and how many operations they become.
FUSED: dict[str, tuple[Callable[[Any], Any], int | None, int]] = {
    "lstm": (layers.LSTM(UNITS, return_sequences=True, return_state=True), None, 1),
    "lstm_last": (layers.LSTM(UNITS), 6, 1),
    "lstm_no_bias": (layers.LSTM(UNITS, use_bias=False), None, 1),
    "lstm_square": (layers.LSTM(FEATURES), None, 1),  # kernel and recurrent kernel have one shape
    "lstm_backwards": (layers.LSTM(UNITS, go_backwards=True, return_sequences=True), None, 1),
    "gru": (layers.GRU(UNITS, return_sequences=True, return_state=True), None, 1),
    "gru_no_bias": (layers.GRU(UNITS, use_bias=False), 6, 1),
    "gru_reset_before": (layers.GRU(UNITS, reset_after=False, return_sequences=True), None, 1),
    "gru_reset_before_no_bias": (layers.GRU(UNITS, reset_after=False, use_bias=False), None, 1),
    "simple": (layers.SimpleRNN(UNITS, return_sequences=True), None, 1),
    "simple_relu": (layers.SimpleRNN(UNITS, activation="relu"), 6, 1),
    "one_unit": (layers.GRU(1), None, 1),
    "both_ways": (layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True)), None, 2),
    "three_layers": (three_layers, None, 3),
    "encoder_decoder": (encoder_decoder, 6, 2),
    "convolved": (lambda x: layers.GRU(UNITS)(layers.Conv1D(4, 3, strides=2, padding="same")(x)), None, 1),
}
LEFT: dict[str, Callable[[Any], Any]] = {
    "masked": lambda x: layers.LSTM(UNITS)(layers.Masking()(x)),
    "other_activation": layers.LSTM(UNITS, activation="softplus"),
    "other_gates": layers.GRU(UNITS, recurrent_activation="hard_sigmoid"),
    "two_cells": layers.RNN([layers.SimpleRNNCell(UNITS), layers.SimpleRNNCell(UNITS)]),
}


def series(batch: int, length: int) -> np.ndarray[Any, Any]:
    """Made-up input."""
    return np.random.default_rng(batch).normal(size=(batch, length, FEATURES)).astype(np.float32)


# === Loops that are all but those of Keras ===


def _weights(gates: int) -> tuple[np.ndarray[Any, Any], ...]:
    rng = np.random.default_rng(7)
    shapes = ((FEATURES, gates * UNITS), (UNITS, gates * UNITS), (gates * UNITS,))
    return tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)


def simple(x: Any, h: Any) -> tuple[Any, ...]:
    """Keras's SimpleRNN."""
    kernel, recurrent, bias = _weights(1)
    return (tf.tanh(x @ kernel + bias + h @ recurrent),)


def residual(x: Any, h: Any) -> tuple[Any, ...]:
    """The state is added."""
    return (simple(x, h)[0] + h,)


def squashed(x: Any, h: Any) -> tuple[Any, ...]:
    """One more tanh."""
    return (tf.tanh(simple(x, h)[0]),)


def swapped_weights(x: Any, h: Any) -> tuple[Any, ...]:
    """The state times the transposed recurrent kernel."""
    kernel, recurrent, bias = _weights(1)
    return (tf.tanh(x @ kernel + bias + tf.matmul(h, recurrent, transpose_b=True)),)


def lstm(x: Any, h: Any, c: Any, order: str = "ifgo") -> tuple[Any, ...]:
    """Keras's LSTM where the gates are in the order ifgo."""
    kernel, recurrent, bias = _weights(4)
    gates = dict(zip(order, tf.split(x @ kernel + h @ recurrent + bias, 4, axis=1), strict=True))
    c = tf.sigmoid(gates["f"]) * c + tf.sigmoid(gates["i"]) * tf.tanh(gates["g"])
    return tf.sigmoid(gates["o"]) * tf.tanh(c), c


def lstm_of_other_gates(x: Any, h: Any, c: Any) -> tuple[Any, ...]:
    """Input and forget gate change places."""
    return lstm(x, h, c, "figo")


def lstm_with_plain_output(x: Any, h: Any, c: Any) -> tuple[Any, ...]:
    """The output is that of the cell, without its tanh."""
    kernel, recurrent, bias = _weights(4)
    i, f, g, o = tf.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * c, c


def gru(x: Any, h: Any, *, turned: bool = False) -> tuple[Any, ...]:
    """A GRU with two biases, as Keras mixes old and new state, or turned round, as others do."""
    kernel, recurrent, bias = _weights(3)
    xz, xr, xg = tf.split(x @ kernel + bias, 3, axis=1)
    hz, hr, hg = tf.split(h @ recurrent + bias[::-1], 3, axis=1)
    z = tf.sigmoid(xz + hz)
    g = tf.tanh(xg + tf.sigmoid(xr + hr) * hg)
    return (z * g + (1 - z) * h if turned else z * h + (1 - z) * g,)


def gru_turned(x: Any, h: Any) -> tuple[Any, ...]:
    """The update gate opens for the new state."""
    return gru(x, h, turned=True)


def save_loop(
    folder: Path,
    step: Step,
    *,
    states: int = 1,
    less: int = 0,
    start: int = 0,
    by: int = 1,
    read: Callable[[Any, Any], Any] = lambda at, time: at,
    write: Callable[[Any, Any], Any] = lambda at, time: at,
) -> None:
    """A loop as Keras writes it, by default.

    Args:
        step: from a row and the states to the new states.
        less: how many rows it leaves out at the end.
        start, by: how the steps are counted.
        read, write: which rows belong to a step.
    """

    @tf.function(input_signature=[tf.TensorSpec([None, None, FEATURES], tf.float32, name="x")])
    def run(x: Any) -> dict[str, Any]:
        rows = tf.transpose(x, [1, 0, 2])
        time = tf.shape(rows)[0]
        source = tf.TensorArray(tf.float32, time).unstack(rows)

        def body(at: Any, outputs: Any, *states: Any) -> tuple[Any, ...]:
            new = step(source.read(read(at, time)), *states)
            return at + by, outputs.write(write(at, time), new[0]), *new

        zeros = tf.zeros([tf.shape(x)[0], UNITS])
        first = (start, tf.TensorArray(tf.float32, time, element_shape=[None, UNITS]), *[zeros] * states)
        last = tf.while_loop(lambda at, *_: at < time - less, body, first, maximum_iterations=time)
        outputs = tf.ensure_shape(last[1].stack(), [None, None, UNITS])
        return {"h": last[2], "y": tf.transpose(outputs, [1, 0, 2])}

    module = tf.Module()
    module.run = run
    tf.saved_model.save(module, str(folder), {"serving_default": run})


EXACT: dict[str, dict[str, Any]] = {
    "simple": {"step": simple},
    "lstm": {"step": lstm, "states": 2},
    "gru": {"step": gru},
}
OTHERWISE: dict[str, dict[str, Any]] = {
    "residual": {"step": residual},
    "squashed": {"step": squashed},
    "swapped_weights": {"step": swapped_weights},
    "lstm_of_other_gates": {"step": lstm_of_other_gates, "states": 2},
    "lstm_with_plain_output": {"step": lstm_with_plain_output, "states": 2},
    "gru_turned": {"step": gru_turned},
    "leaves_one_out": {"step": simple, "less": 1},
    "begins_with_the_second": {"step": simple, "start": 1},
    "takes_every_second": {"step": simple, "by": 2},
    "reads_backwards": {"step": simple, "read": lambda at, time: time - 1 - at},
    "reads_one_row": {"step": simple, "read": lambda at, time: 0},
    "writes_backwards": {"step": simple, "write": lambda at, time: time - 1 - at},
}
