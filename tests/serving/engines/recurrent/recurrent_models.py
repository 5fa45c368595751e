"""Builds SavedModels with recurrent layers (Keras) and with other loops (TensorFlow)."""

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
    """Exports a model with random weights. Returns the Keras model.

    Args:
        folder: folder of the SavedModel to write.
        make: applies the layers to an input (batch, length, 5).
        length: length of the input series. None means any length.
    """
    series = keras.Input((length, FEATURES), name="x")
    model = keras.Model(series, make(series))
    rng = np.random.default_rng(3)
    model.set_weights([0.5 * rng.normal(size=weight.shape) for weight in model.weights])
    model.export(str(folder), format="tf_saved_model", verbose=False)
    return model


def encoder_decoder(x: Any) -> Any:
    """Applies an encoder, and a decoder that starts with the encoder's states."""
    _, h, c = layers.LSTM(UNITS, return_state=True)(x)
    decoder = layers.LSTM(UNITS, return_sequences=True)
    return decoder(layers.RepeatVector(4)(h), initial_state=[h, c])


def three_layers(x: Any) -> Any:
    """Applies a SimpleRNN, a GRU and an LSTM layer."""
    x = layers.SimpleRNN(4, return_sequences=True)(x)
    return layers.LSTM(UNITS)(layers.GRU(6, return_sequences=True)(x))


def layer(layer_class: Any, units: int = UNITS, **options: Any) -> Callable[[Any], Any]:
    """Returns a function that applies a new layer to its input."""
    return lambda x: layer_class(units, **options)(x)


# Models that are fused, by name: the layers, the length of the series, and the number of fused operations.
FUSED: dict[str, tuple[Callable[[Any], Any], int | None, int]] = {
    "lstm": (layer(layers.LSTM, return_sequences=True, return_state=True), None, 1),
    "lstm_last": (layer(layers.LSTM), 6, 1),
    "lstm_square": (layer(layers.LSTM, FEATURES, use_bias=False), None, 1),  # both kernels have the same shape
    "gru": (layer(layers.GRU, return_sequences=True, return_state=True), None, 1),
    "gru_no_bias": (layer(layers.GRU, use_bias=False), 6, 1),
    "gru_reset_before": (layer(layers.GRU, reset_after=False, return_sequences=True), None, 1),
    "gru_with_one_unit": (layer(layers.GRU, 1, reset_after=False, use_bias=False), None, 1),
    "simple": (layer(layers.SimpleRNN, return_sequences=True), None, 1),
    "simple_relu": (layer(layers.SimpleRNN, activation="relu"), 6, 1),
    "bidirectional": (lambda x: layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))(x), None, 2),
    "three_layers": (three_layers, None, 3),
    "encoder_decoder": (encoder_decoder, 6, 2),
    "convolved": (lambda x: layers.GRU(UNITS)(layers.Conv1D(4, 3, strides=2, padding="same")(x)), None, 1),
}
NOT_FUSED: dict[str, Callable[[Any], Any]] = {
    "masked": lambda x: layers.LSTM(UNITS)(layers.Masking()(x)),
    "other_activation": layer(layers.LSTM, activation="softplus"),
    "other_gates": layer(layers.GRU, recurrent_activation="hard_sigmoid"),
    "two_cells": lambda x: layers.RNN([layers.SimpleRNNCell(UNITS), layers.SimpleRNNCell(UNITS)])(x),
}


def series(batch: int, length: int) -> np.ndarray[Any, Any]:
    """Returns random input (batch, length, 5)."""
    return np.random.default_rng(batch).normal(size=(batch, length, FEATURES)).astype(np.float32)


# === Steps of loops: functions of weights, row and states that return the new states ===
# Some functions equal the step of a Keras layer. Each of the others differs from a Keras layer in one operation.


def simple(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """Computes a step of Keras's SimpleRNN."""
    kernel, recurrent, bias, _ = weights
    return (tf.tanh(x @ kernel + bias + h @ recurrent),)


def residual(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """Computes a step of SimpleRNN, and adds the old state to the new state."""
    return (simple(weights, x, h)[0] + h,)


def squashed(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """Computes a step of SimpleRNN that applies tanh twice."""
    return (tf.tanh(simple(weights, x, h)[0]),)


def transposed_weights(weights: Any, x: Any, h: Any) -> tuple[Any, ...]:
    """Computes a step of SimpleRNN with the transposed recurrent kernel."""
    kernel, recurrent, bias, _ = weights
    return (tf.tanh(x @ kernel + bias + tf.matmul(h, recurrent, transpose_b=True)),)


def lstm(weights: Any, x: Any, h: Any, c: Any, order: str = "ifgo", squash: Any = tf.tanh) -> tuple[Any, ...]:
    """Computes a step of an LSTM with the gates in `order` and the output activation `squash`.

    Both defaults are the defaults of Keras.
    """
    kernel, recurrent, bias, _ = weights
    gates = dict(zip(order, tf.split(x @ kernel + h @ recurrent + bias, 4, axis=1), strict=True))
    c = tf.sigmoid(gates["f"]) * c + tf.sigmoid(gates["i"]) * tf.tanh(gates["g"])
    return tf.sigmoid(gates["o"]) * squash(c), c


def gru(weights: Any, x: Any, h: Any, *, swapped: bool = False) -> tuple[Any, ...]:
    """Computes a step of a GRU.

    The new state is z·h + (1-z)·g, as in Keras. If `swapped`, the new state is z·g + (1-z)·h, as in other libraries.
    """
    kernel, recurrent, bias, recurrent_bias = weights
    xz, xr, xg = tf.split(x @ kernel + bias, 3, axis=1)
    hz, hr, hg = tf.split(h @ recurrent + recurrent_bias, 3, axis=1)
    z = tf.sigmoid(xz + hz)
    g = tf.tanh(xg + tf.sigmoid(xr + hr) * hg)
    return (z * g + (1 - z) * h if swapped else z * h + (1 - z) * g,)


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
    """Saves a model with one loop. With the default options, the loop has the form of a Keras layer's loop.

    Args:
        folder: folder of the SavedModel to write.
        step: computes the new states from the weights, a row and the states.
        gates: number of gates.
        states: number of states.
        bounded: whether the loop has a maximum number of iterations, as in Keras 3. OpenVINO converts a loop without
            this maximum to a different graph.
        steps: computes the number of steps from the length of the series.
        start: index of the first step.
        by: increment of the index.
        read: computes the index of the row that a step reads, from the index of the step and the length.
        write: computes the index of the row that a step writes, from the index of the step and the length.
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
DIFFERENT: dict[str, dict[str, Any]] = {
    "residual": {"step": residual},
    "squashed": {"step": squashed},
    "transposed_weights": {"step": transposed_weights},
    "lstm_with_other_gate_order": {"step": partial(lstm, order="figo"), "states": 2, "gates": 4},
    "lstm_without_output_activation": {"step": partial(lstm, squash=tf.identity), "states": 2, "gates": 4},
    "gru_swapped": {"step": partial(gru, swapped=True), "gates": 3},
    "one_step_less": {"step": simple, "steps": lambda time: time - 1},
    "unbounded_one_step_less": {"step": simple, "steps": lambda time: time - 1, "bounded": False},
    "starts_at_second_row": {"step": simple, "start": 1},
    "every_second_row": {"step": simple, "by": 2},
    "reads_backwards": {"step": simple, "read": lambda at, time: time - 1 - at},
    "reads_one_row": {"step": simple, "read": lambda at, time: 0},
    "writes_backwards": {"step": simple, "write": lambda at, time: time - 1 - at},
}
