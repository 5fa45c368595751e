"""The decoder of `encoder_decoder` and `vector_to_sequence`, computed step by step in NumPy."""

from __future__ import annotations

import keras
import numpy as np

from . import cells

START, END = 2, 3


def softmax(a: np.ndarray) -> np.ndarray:
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def decoder_step(
    model: keras.Model, cell: str, previous: np.ndarray, states: list[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns the probabilities (batch, tokens) after the tokens y_{t−1} (batch,), and the next states."""
    decoder = model.get_layer("decoder")
    (rows,) = cells.weights_of(decoder.get_layer("output_embedding"))
    states = cells.STEPS[cell][0](rows[previous], states, *cells.weights_of(decoder.get_layer("output_states")))
    w, b = cells.weights_of(decoder.get_layer("probabilities"))
    return softmax(states[0] @ w + b), states


def probabilities(model: keras.Model, cell: str, states: list[np.ndarray], previous: np.ndarray) -> np.ndarray:
    """Returns the probabilities (batch, steps, tokens) for the true tokens before each step (batch, steps)."""
    found = []
    for t in range(previous.shape[1]):
        p, states = decoder_step(model, cell, previous[:, t], states)
        found.append(p)
    return np.stack(found, axis=1)


def greedy(model: keras.Model, cell: str, states: list[np.ndarray], length: int) -> list[int]:
    """Returns the most probable token of each step for one input, up to the end token."""
    ids = [START]
    while len(ids) <= length:
        p, states = decoder_step(model, cell, np.array(ids[-1:]), states)
        ids.append(int(p[0].argmax()))
        if ids[-1] in (END, 0):
            return ids[1:-1]
    return ids[1:]
