"""One step of Keras's recurrent layers as terms, and the same layers as OpenVINO's fused operations.

x (batch, features), h and c (batch, units), kernel (features, gates·units), recurrent (units, gates·units).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from openvino import opset15 as ops

from .expressions import Term, Terms

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Weights:
    """Kernel, recurrent kernel, and none, one or two biases, as terms or as arrays."""

    kernel: Any
    recurrent: Any
    bias: Sequence[Any]


Step = Callable[[Terms, Term, Sequence[Term], Weights, int], tuple[Term, ...]]


def _lstm(terms: Terms, x: Term, states: Sequence[Term], weights: Weights, units: int) -> tuple[Term, ...]:
    h, c = states
    i, f, g, o = _split(_biased(x @ weights.kernel + h @ weights.recurrent, weights.bias), 4, units)
    new_c = terms("Sigmoid", f) * c + terms("Sigmoid", i) * terms("Tanh", g)
    return terms("Sigmoid", o) * terms("Tanh", new_c), new_c


def _gru_reset_after(terms: Terms, x: Term, states: Sequence[Term], weights: Weights, units: int) -> tuple[Term, ...]:
    (h,) = states
    xz, xr, xg = _split(_biased(x @ weights.kernel, _row(terms, weights.bias, 0)), 3, units)
    hz, hr, hg = _split(_biased(h @ weights.recurrent, _row(terms, weights.bias, 1)), 3, units)
    g = terms("Tanh", xg + terms("Sigmoid", xr + hr) * hg)
    return (_mixed(terms, terms("Sigmoid", xz + hz), h, g),)


def _gru_reset_before(terms: Terms, x: Term, states: Sequence[Term], weights: Weights, units: int) -> tuple[Term, ...]:
    (h,) = states
    xz, xr, xg = _split(_biased(x @ weights.kernel, weights.bias), 3, units)
    hz, hr = _split(h @ weights.recurrent.columns(0, 2 * units), 2, units)
    reset = terms("Sigmoid", xr + hr) * h
    g = terms("Tanh", xg + reset @ weights.recurrent.columns(2 * units, 3 * units))
    return (_mixed(terms, terms("Sigmoid", xz + hz), h, g),)


def _simple(activation: str) -> Step:
    def step(terms: Terms, x: Term, states: Sequence[Term], weights: Weights, units: int) -> tuple[Term, ...]:
        (h,) = states
        return (terms(activation, _biased(x @ weights.kernel, weights.bias) + h @ weights.recurrent),)

    return step


def _biased(term: Term, bias: Sequence[Term]) -> Term:
    return term + bias[0] if bias else term


def _split(term: Term, gates: int, units: int) -> list[Term]:
    return [term.columns(gate * units, (gate + 1) * units) for gate in range(gates)]


def _row(terms: Terms, bias: Sequence[Term], row: int) -> Sequence[Term]:
    """One bias of two, or of a matrix of two rows."""
    if len(bias) != 1:
        return bias[row : row + 1]
    return [terms("Squeeze", terms("Split", *bias, terms.constant(0), num_splits=2, output=row), terms.constant(0))]


def _mixed(terms: Terms, z: Term, h: Term, g: Term) -> Term:
    """z·h + (1-z)·g."""
    return z * h + terms("Subtract", terms.constant(1), z) * g


@dataclass(frozen=True)
class Cell:
    """A kind of recurrent layer.

    Attributes:
        step: the new states, the first of which is the output.
        states: how many there are.
        order: of Keras's gates in OpenVINO's weights.
        bias_rows: 2 where the recurrent kernel has its own bias.
        operation: OpenVINO's name.
        attributes: those of the operation.
    """

    step: Step
    states: int
    order: tuple[int, ...]
    bias_rows: int
    operation: str
    attributes: dict[str, Any]

    def fits(self, weights: Weights) -> bool:
        """Whether arrays have the shapes and the dtype of this cell's weights."""
        units, width = len(weights.recurrent), len(self.order) * len(weights.recurrent)
        shapes: Sequence[list[tuple[int, ...]]] = (
            ([], [(width,)]) if self.bias_rows == 1 else ([], [(2, width)], [(width,), (width,)])
        )
        return (
            weights.recurrent.shape == (units, width)
            and weights.kernel.shape == (len(weights.kernel), width)
            and [bias.shape for bias in weights.bias] in shapes
            and all(each.dtype == np.float32 for each in (weights.kernel, weights.recurrent, *weights.bias))
        )

    def build(self, inputs: Sequence[Any], weights: Weights) -> Any:
        """OpenVINO's operation on a sequence (batch, time, features), states (batch, 1, units) and lengths (batch,).

        Its outputs are that of all steps (batch, 1, time, units) and the last states (batch, 1, units).
        """
        made = (self._turned(weights.kernel), self._turned(weights.recurrent), self._bias(weights)[np.newaxis])
        arguments = map(ops.constant, made)
        operation = getattr(ops, self.operation)
        return operation(*inputs, *arguments, len(weights.recurrent), "forward", **self.attributes)

    def _turned(self, kernel: Array) -> Array:
        """(rows, gates·units) → (1, gates·units, rows)."""
        return np.ascontiguousarray(self._ordered(kernel).T[np.newaxis])

    def _ordered(self, array: Array) -> Array:
        gates = np.split(array, len(self.order), axis=-1)
        return np.concatenate([gates[gate] for gate in self.order], axis=-1)

    def _bias(self, weights: Weights) -> Array:
        """(gates·units,); where there are two rows, (gates·units + units,): the last gate keeps both apart."""
        shape = (self.bias_rows, weights.kernel.shape[1])
        bias = np.reshape(weights.bias, shape) if weights.bias else np.zeros(shape, np.float32)
        if self.bias_rows == 1:
            return self._ordered(bias[0])
        units = len(weights.recurrent)
        return np.concatenate([bias.sum(axis=0)[:-units], bias[0, -units:], bias[1, -units:]])


CELLS = (
    Cell(_lstm, 2, (1, 0, 2, 3), 1, "lstm_sequence", {}),
    Cell(_gru_reset_after, 1, (0, 1, 2), 2, "gru_sequence", {"linear_before_reset": True}),
    Cell(_gru_reset_before, 1, (0, 1, 2), 1, "gru_sequence", {}),
    *(
        Cell(_simple(activation), 1, (0,), 1, "rnn_sequence", {"activations": [activation.lower()]})
        for activation in ("Tanh", "Relu", "Sigmoid")
    ),
)
