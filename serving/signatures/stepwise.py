"""Calls a recurrent model step by step: the states after a step are inputs of the next step."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from ...preparation.splits import PADDING
from .endpoint import Arrays, Tensors

_RECURRENT = (layers.SimpleRNN, layers.LSTM, layers.GRU)
_OF_EACH_STEP = (layers.Embedding, layers.Normalization, layers.Dense, layers.Activation, layers.Identity)
_AFTER_THE_LAST_STEP = (*_OF_EACH_STEP, layers.Reshape)  # when there is no time axis any more


class Stepwise:
    """A model as a function of one step.

    After the steps x_1 … x_t of a sequence, beginning with states of 0, the answer is that of the model for this
    sequence. If the model answers at each step, it is the answer of the last step. If the model ignores padding, a step
    of padding (id 0) changes no state.

    Args:
        chain: the layers of the model, in order, without the input.

    Attributes:
        states: a `tf.TensorSpec` (batch, units) for each state: `state_1`, `state_2` …
    """

    def __init__(self, chain: list[keras.layers.Layer]) -> None:
        self._chain = chain
        self._counts = {layer: len(_sizes(layer)) for layer in chain if type(layer) in _RECURRENT}
        found = [(layer, size) for layer in self._counts for size in _sizes(layer)]
        self.states = [
            tf.TensorSpec((None, size), layer.compute_dtype, name=f"state_{number}")
            for number, (layer, size) in enumerate(found, 1)
        ]

    def step(self, x: Any, *states: Any) -> tuple[Any, list[Any]]:
        """Returns the answer (batch, …) and the next states. `x` is one step (batch, …)."""
        x, is_sequence, is_step = x[:, tf.newaxis], True, None  # (batch, 1, …)
        rest, after = list(states), []
        for layer in self._chain:
            if isinstance(layer, layers.Embedding) and layer.mask_zero:
                is_step = x != PADDING  # (batch, 1)
            if layer not in self._counts:
                x = layer(x)
                continue
            before, rest = rest[: self._counts[layer]], rest[self._counts[layer] :]
            _, new = layer.cell(x[:, 0], before, training=False)
            if is_step is not None:
                new = [tf.where(is_step, *pair) for pair in zip(new, before, strict=True)]
            after += new
            is_sequence = layer.return_sequences
            x = new[0][:, tf.newaxis] if is_sequence else new[0]
        return x[:, 0] if is_sequence else x, after

    def named(self, states: list[Any]) -> Tensors:
        """Returns the states by their names."""
        return {spec.name: state for spec, state in zip(self.states, states, strict=True)}

    def example(self, rng: np.random.Generator, batch: int) -> Arrays:
        """Returns random states."""
        return {
            spec.name: rng.uniform(-1, 1, (batch, spec.shape[1])).astype(spec.dtype.as_numpy_dtype)
            for spec in self.states
        }


def stepwise(model: keras.Model) -> Stepwise | None:
    """Returns the model as a function of one step, or None if it is no chain of layers that allows this.

    The layers must be `SimpleRNN`, `LSTM` or `GRU`, or compute each step on its own. A bidirectional layer needs the
    whole sequence.
    """
    chain: list[keras.layers.Layer] = []
    (x,) = model.inputs
    has_time = True
    for layer in model.layers[1:]:
        nodes = layer._inbound_nodes
        if len(nodes) != 1 or nodes[0].arguments.args[:1] != (x,):
            return None
        x = nodes[0].output_tensors[0]
        if isinstance(layer, layers.Dropout):  # does nothing at inference
            continue
        if type(layer) in _RECURRENT:
            if not has_time or layer.go_backwards or layer.stateful or layer.return_state:
                return None
            has_time = layer.return_sequences
        elif type(layer) not in (_OF_EACH_STEP if has_time else _AFTER_THE_LAST_STEP):
            return None
        chain.append(layer)
    is_recurrent = any(type(layer) in _RECURRENT for layer in chain)
    return Stepwise(chain) if is_recurrent and x is model.outputs[0] else None


def _sizes(layer: Any) -> list[int]:
    """Returns the size of each state of a recurrent layer."""
    sizes = layer.cell.state_size
    return list(sizes) if isinstance(sizes, list | tuple) else [sizes]
