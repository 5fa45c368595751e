"""Defines each recurrent cell of Keras: the expressions of one step, and OpenVINO's fused operation for the layer.

Shapes: x (batch, features), h and c (batch, units), kernel (features, gates·units), recurrent (units, gates·units).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from openvino import opset15 as ops

from .expressions import Expression, ExpressionBuilder

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Weights:
    """The weights of a layer, as expressions or as arrays: kernel, recurrent kernel, and a list of 0, 1 or 2 biases."""

    kernel: Any
    recurrent: Any
    bias: Sequence[Any]


Step = Callable[[ExpressionBuilder, Expression, Sequence[Expression], Weights, int], tuple[Expression, ...]]


def _lstm(
    build: ExpressionBuilder, x: Expression, states: Sequence[Expression], weights: Weights, units: int
) -> tuple[Expression, ...]:
    h, c = states
    i, f, g, o = _split(_add_bias(x @ weights.kernel + h @ weights.recurrent, weights.bias), 4, units)
    new_c = build("Sigmoid", f) * c + build("Sigmoid", i) * build("Tanh", g)
    return build("Sigmoid", o) * build("Tanh", new_c), new_c


def _gru_reset_after(
    build: ExpressionBuilder, x: Expression, states: Sequence[Expression], weights: Weights, units: int
) -> tuple[Expression, ...]:
    (h,) = states
    xz, xr, xg = _split(_add_bias(x @ weights.kernel, _bias_row(build, weights.bias, 0)), 3, units)
    hz, hr, hg = _split(_add_bias(h @ weights.recurrent, _bias_row(build, weights.bias, 1)), 3, units)
    g = build("Tanh", xg + build("Sigmoid", xr + hr) * hg)
    return (_interpolate(build, build("Sigmoid", xz + hz), h, g),)


def _gru_reset_before(
    build: ExpressionBuilder, x: Expression, states: Sequence[Expression], weights: Weights, units: int
) -> tuple[Expression, ...]:
    (h,) = states
    xz, xr, xg = _split(_add_bias(x @ weights.kernel, weights.bias), 3, units)
    hz, hr = _split(h @ weights.recurrent.columns(0, 2 * units), 2, units)
    reset = build("Sigmoid", xr + hr) * h
    g = build("Tanh", xg + reset @ weights.recurrent.columns(2 * units, 3 * units))
    return (_interpolate(build, build("Sigmoid", xz + hz), h, g),)


def _simple_rnn(activation: str) -> Step:
    def step(
        build: ExpressionBuilder, x: Expression, states: Sequence[Expression], weights: Weights, units: int
    ) -> tuple[Expression, ...]:
        (h,) = states
        return (build(activation, _add_bias(x @ weights.kernel, weights.bias) + h @ weights.recurrent),)

    return step


def _add_bias(expression: Expression, bias: Sequence[Expression]) -> Expression:
    return expression + bias[0] if bias else expression


def _split(expression: Expression, gates: int, units: int) -> list[Expression]:
    return [expression.columns(gate * units, (gate + 1) * units) for gate in range(gates)]


def _bias_row(build: ExpressionBuilder, bias: Sequence[Expression], row: int) -> Sequence[Expression]:
    """Returns the bias of the kernel (row 0) or of the recurrent kernel (row 1), or an empty sequence without a bias.

    `bias` has two vectors (gates·units,), one matrix (2, gates·units), or nothing.
    """
    if len(bias) != 1:
        return bias[row : row + 1]
    return [build("Squeeze", build("Split", *bias, build.constant(0), num_splits=2, output=row), build.constant(0))]


def _interpolate(build: ExpressionBuilder, z: Expression, h: Expression, g: Expression) -> Expression:
    """Returns z·h + (1-z)·g."""
    return z * h + build("Subtract", build.constant(1), z) * g


@dataclass(frozen=True)
class Cell:
    """A type of recurrent layer.

    Attributes:
        step: returns the expressions of the new states. The first state is the cell's output.
        states: number of states.
        order: position of each gate in Keras's weights, in the order of OpenVINO's weights.
        bias_rows: 2 if the recurrent kernel has its own bias, else 1.
        operation: name of OpenVINO's operation.
        attributes: attributes of OpenVINO's operation.
    """

    step: Step
    states: int
    order: tuple[int, ...]
    bias_rows: int
    operation: str
    attributes: dict[str, Any]

    def fits(self, weights: Weights) -> bool:
        """Returns whether the arrays have the shapes and the dtype (float32) of this cell's weights."""
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
        """Builds OpenVINO's fused operation for the whole layer.

        Args:
            inputs: the input sequence (batch, time, features), each initial state (batch, 1, units), and the lengths
                of the sequences (batch,).
            weights: the weights as arrays.

        Returns:
            the node of the operation. The node's outputs are the layer's output at all steps (batch, 1, time, units),
            and each state after the last step (batch, 1, units).
        """
        arrays = (self._transposed(weights.kernel), self._transposed(weights.recurrent), self._bias(weights)[None])
        arguments = map(ops.constant, arrays)
        operation = getattr(ops, self.operation)
        return operation(*inputs, *arguments, len(weights.recurrent), "forward", **self.attributes)

    def _transposed(self, kernel: Array) -> Array:
        """Returns a kernel (rows, gates·units) as (1, gates·units, rows), with the gates in OpenVINO's order."""
        return np.ascontiguousarray(self._ordered(kernel).T[np.newaxis])

    def _ordered(self, array: Array) -> Array:
        gates = np.split(array, len(self.order), axis=-1)
        return np.concatenate([gates[gate] for gate in self.order], axis=-1)

    def _bias(self, weights: Weights) -> Array:
        """Returns the bias in OpenVINO's order: (gates·units,), or (gates·units + units,) if the cell has two rows.

        With two rows, the result has the sum of both rows for all gates but the last, and both rows for the last gate.
        """
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
        Cell(_simple_rnn(activation), 1, (0,), 1, "rnn_sequence", {"activations": [activation.lower()]})
        for activation in ("Tanh", "Relu", "Sigmoid")
    ),
)
