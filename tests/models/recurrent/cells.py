"""The recurrent cells of lecture notes 004, computed step by step in NumPy, to check Keras's layers.

Each function takes sequences (batch, time, features) and Keras's weights, and returns h_1 … h_T (batch, time, units).
The columns of a kernel contain the gates side by side. Rows are examples, so W_hᵀ h_{t−1} is written h @ W_h.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0)}


def sigma(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def simple_rnn(x: np.ndarray, w_x: np.ndarray, w_h: np.ndarray, b: np.ndarray, g: str = "tanh") -> np.ndarray:
    h, states = np.zeros((len(x), len(w_h))), []
    for t in range(x.shape[1]):
        h = ACTIVATIONS[g](h @ w_h + x[:, t] @ w_x + b)
        states.append(h)
    return np.stack(states, axis=1)


def lstm_step(
    x: np.ndarray, states: list[np.ndarray], w_x: np.ndarray, w_h: np.ndarray, b: np.ndarray
) -> list[np.ndarray]:
    """Returns the states [h_t, c_t] after the input x_t (batch, features)."""
    h, c = states
    i, f, g, o = np.split(x @ w_x + h @ w_h + b, 4, axis=1)  # Keras's order of the gates
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return [sigma(o) * np.tanh(c), c]


def gru_step(
    x: np.ndarray, states: list[np.ndarray], w_x: np.ndarray, w_h: np.ndarray, b: np.ndarray
) -> list[np.ndarray]:
    """Returns the state [h_t] after the input x_t (batch, features).

    The reset gate is applied after the product with W_h if the shape of `b` is (2, 3 · units). If the shape of `b` is
    (3 · units,), it is applied before the product.
    """
    (h,), units = states, len(w_h)
    if b.ndim == 2:
        x_z, x_r, x_g = np.split(x @ w_x + b[0], 3, axis=1)
        h_z, h_r, h_g = np.split(h @ w_h + b[1], 3, axis=1)
        g = np.tanh(x_g + sigma(x_r + h_r) * h_g)
    else:
        x_z, x_r, x_g = np.split(x @ w_x + b, 3, axis=1)
        h_z, h_r = np.split(h @ w_h[:, : 2 * units], 2, axis=1)
        g = np.tanh(x_g + (sigma(x_r + h_r) * h) @ w_h[:, 2 * units :])
    z = sigma(x_z + h_z)
    return [z * h + (1 - z) * g]


STEPS: dict[str, tuple[Callable[..., list[np.ndarray]], int]] = {"lstm": (lstm_step, 2), "gru": (gru_step, 1)}


def zeros(cell: str, batch: int, w_h: np.ndarray) -> list[np.ndarray]:
    """Returns the initial states of an LSTM or a GRU."""
    return [np.zeros((batch, len(w_h)))] * STEPS[cell][1]


def lstm(x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    return _all_steps("lstm", x, *weights)


def gru(x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    return _all_steps("gru", x, *weights)


def _all_steps(cell: str, x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    states, outputs = zeros(cell, len(x), weights[1]), []
    for t in range(x.shape[1]):
        states = STEPS[cell][0](x[:, t], states, *weights)
        outputs.append(states[0])
    return np.stack(outputs, axis=1)


CELLS: dict[str, Callable[..., np.ndarray]] = {"simple_rnn": simple_rnn, "lstm": lstm, "gru": gru}


def weights_of(layer: keras.layers.Layer) -> list[np.ndarray]:
    """Returns the weights of a layer in double precision."""
    return [np.asarray(weight, np.float64) for weight in layer.get_weights()]


def many_to_one(model: keras.Model, x: np.ndarray, states: Callable[..., np.ndarray]) -> np.ndarray:
    """Returns the output (batch, outputs) of the model `simple_rnn`, `lstm` or `gru`, with `states` as its cell."""
    x_mean, x_variance = weights_of(model.get_layer("normalization"))[:2]
    y_mean, y_variance = weights_of(model.get_layer("prediction"))[:2]
    w_y, b_y = weights_of(model.get_layer("output"))
    h = states((x - x_mean) / np.sqrt(x_variance), *weights_of(model.get_layer("embedding")))
    return y_mean + np.sqrt(y_variance) * (h[:, -1] @ w_y + b_y)
