"""Recognizes loops that are recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from openvino import opset15 as ops
from openvino.op.util import ConcatOutputDescription, InvariantInputDescription, MergedInputDescription

from .cells import CELLS, Cell, Weights
from .expressions import Expression, ExpressionBuilder, results


@dataclass(frozen=True)
class Layer:
    """A recurrent layer that was found in a loop.

    Attributes:
        cell: type of the layer.
        weights: the weights as arrays.
        sequence: node output with the input sequence (time, batch, features).
        states: node outputs with the initial states (batch, units).
        outputs: content of each loop output that the model uses, by the index of the output: "all" for the layer's
            output at all steps (time, batch, units), "last" for the output at the last step (1, batch, units), or a
            number n for the final value of state n (batch, units).
    """

    cell: Cell
    weights: Weights
    sequence: Any
    states: list[Any]
    outputs: dict[int, str | int]


def layer_of(loop: Any) -> Layer | None:
    """Returns the layer that a loop computes, or None if the loop is not a recurrent layer.

    The loop must run one of `CELLS` on all rows of a sequence. The model must not use any other result of the loop.

    Args:
        loop: the node of the loop in an OpenVINO model. The model's dynamic dimensions must have symbols.
    """
    body = _Body(loop)
    states = [name for name, source in body.carried.items() if _rank(source) == 2]
    updates = [body.update(state) for state in states]
    for x, sequence in body.rows():
        time = sequence.get_partial_shape()[0]
        outputs = body.outputs(states, time) if body.runs_for(time) else None
        if outputs is None:
            continue
        for cell, weights, names in body.candidates(len(states)):
            if list(cell.step(body.build, x, states, names, len(weights.recurrent))) == updates:
                return Layer(cell, weights, sequence, [body.carried[state] for state in states], outputs)
    return None


class _Body:
    """The body of a loop, as expressions.

    Attributes:
        invariants: sources of the inputs that are the same in each step, by parameter of the body.
        carried: initial values of the inputs that each step changes, by parameter of the body.
    """

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.build = ExpressionBuilder()
        self._zero, self._one = self.build.constant(0), self.build.constant(1)
        self._results = results(self.build, loop.get_function())
        self.invariants: dict[Expression, Any] = {}
        self.carried: dict[Expression, Any] = {}
        self._sliced: dict[Expression, Any] = {}  # sequences from which each step gets one row, by parameter
        self._result_of: dict[Expression, int] = {}  # index of a parameter's next value in `_results`
        for each in loop.get_input_descriptions():
            parameter, source = self.build.parameter(each.body_parameter_index), loop.input_value(each.input_index)
            if isinstance(each, MergedInputDescription):
                self.carried[parameter] = source
                self._result_of[parameter] = each.body_value_index
            elif isinstance(each, InvariantInputDescription):
                self.invariants[parameter] = source
            elif _is_row_by_row(each):
                self._sliced[parameter] = source
        self._counters = [
            name
            for name, source in self.carried.items()
            if _value(source) == 0 and self.update(name) is name + self._one
        ]

    def update(self, parameter: Expression) -> Expression:
        """Returns the parameter's value in the next step."""
        return self._results[self._result_of[parameter]]

    def rows(self) -> Iterator[tuple[Expression, Any]]:
        """Yields each expression that can be a step's input (batch, features), and the sequence of the expression."""
        for name, source in self._sliced.items():
            yield self.build("Squeeze", name, self._zero), source
        for name, source in self.invariants.items():
            for counter in self._counters if _rank(source) == 3 else ():
                yield self.build("Gather", name, counter, self._zero, batch_dims=0), source

    def runs_for(self, time: Any) -> bool:
        """Returns whether the loop runs `time` steps, for every `time` of at least 1."""
        number, condition = self._loop.get_special_body_ports()
        if number >= 0 or condition < 0 or _value(self._loop.input_value(0)) != -1:
            return False
        first, next_step = self._loop.input_value(1), self._results[condition]
        conditions = next_step.arguments if next_step.operation == "LogicalAnd" else [next_step]
        return _runs_first_step(first, time) and all(self._is_before(each, time) for each in conditions)

    def _is_before(self, condition: Expression, time: Any) -> bool:
        """Returns whether the condition is "the index of the next step is less than `time`"."""
        if condition.operation != "Less":
            return False
        number, limit = condition.arguments
        if number not in [each + self._one for each in self._counters]:
            return False
        if limit.operation == "Constant":
            return bool(time.is_static and limit.arguments == (time.get_length(),))
        return limit in self.invariants and _is_same(_length(self.invariants[limit]), time)

    def outputs(self, states: Sequence[Expression], time: Any) -> dict[int, str | int] | None:
        """Returns `Layer.outputs`, or None if a used output of the loop has content that `Layer` can't describe."""
        row = self.build("Unsqueeze", self.update(states[0]), self._zero) if states else None
        known: dict[Expression | None, str | int | None] = {
            self.update(name): self._list_content(name, row, time)
            for name, source in self.carried.items()
            if _rank(source) == 3
        }
        known |= {row: "last"} | {self.update(state): number for number, state in enumerate(states)}
        outputs: dict[int, str | int] = {}
        for each in self._loop.get_output_descriptions():
            if self._loop.output(each.output_index).get_target_inputs():
                result = self._results[each.body_value_index]
                content: str | int | None = None
                if isinstance(each, ConcatOutputDescription):
                    content = "all" if result is row and _is_row_by_row(each) else None
                elif each.iteration == -1:
                    content = known.get(result)
                if content is None:
                    return None
                outputs[each.output_index] = content
        return outputs

    def _list_content(self, rows: Expression, row: Expression | None, time: Any) -> str | None:
        """Returns the content of a list after the last step: "all" outputs, only the "last" output, or else None."""
        update = self.update(rows)
        if update.operation != "ScatterUpdate" or update.arguments[2:] != (row, self._zero):
            return None
        before, index = update.arguments[:2]
        if before.operation == "Broadcast":  # broadcast to the output's shape, which is unknown before the loop
            before = before.arguments[0]
        if index.operation == "Reshape":  # reshaped to a vector
            index = index.arguments[0]
        if before is not rows:
            return None
        count = _count(self.carried[rows])
        if index is self._zero:
            return "last" if count.is_static and count.get_length() == 1 else None
        return "all" if index in self._counters and _is_same(count, time) else None

    def candidates(self, states: int) -> Iterator[tuple[Cell, Weights, Weights]]:
        """Yields (cell, weights as arrays, weights as expressions) for each cell that fits the loop.

        Tries the loop's constants as weights in every order.
        """
        constants = {name: source.get_node() for name, source in self.invariants.items() if _rank(source) in (1, 2)}
        if not 2 <= len(constants) <= 4 or any(node.get_type_name() != "Constant" for node in constants.values()):
            return
        arrays = {name: node.get_data() for name, node in constants.items()}
        for kernel, recurrent, *bias in permutations(arrays):
            names, weights = (
                Weights(kernel, recurrent, bias),
                Weights(arrays[kernel], arrays[recurrent], [arrays[each] for each in bias]),
            )
            for cell in CELLS:
                if cell.states == states and cell.fits(weights):
                    yield cell, weights, names


def _is_row_by_row(each: Any) -> bool:
    """Returns whether step n reads or writes row n of the first axis."""
    return bool((each.axis, each.start, each.end, each.stride, each.part_size) == (0, 0, -1, 1, 1))


def _rank(output: Any) -> int | None:
    rank = output.get_partial_shape().rank
    return rank.get_length() if rank.is_static else None


def _value(output: Any) -> Any:
    """Returns the value of a constant scalar, or None for any other output."""
    node = output.get_node()
    return node.get_data().item() if node.get_type_name() == "Constant" and _rank(output) == 0 else None


def _runs_first_step(condition: Any, time: Any) -> bool:
    """Returns whether the loop's initial condition is true for every `time` of at least 1."""
    node = condition.get_node()
    if node.get_type_name() == "LogicalAnd":
        return all(_runs_first_step(each, time) for each in node.input_values())
    if node.get_type_name() == "Less":
        number, limit = node.input_values()
        return _value(number) == 0 and _is_same(_length(limit), time)
    return _value(condition) is True


def _length(number: Any) -> Any:
    """Returns the value of a scalar node output as a dimension."""
    return _dimension(ops.reshape(number, np.array([1]), special_zero=False))


def _dimension(shape: Any) -> Any:
    """Returns the first dimension of a shape, with the symbol of the dimension from which the size was read."""
    return ops.broadcast(np.float32(0), shape).get_output_partial_shape(0)[0]


def _count(rows: Any) -> Any:
    """Returns the number of elements of a list, as a dimension."""
    node = rows.get_node()
    if node.get_type_name() == "Broadcast" and node.input_value(1).get_node().get_type_name() == "Concat":
        return _dimension(ops.concat(node.input_value(1).get_node().input_values(), 0))
    return rows.get_partial_shape()[0]


def _is_same(one: Any, other: Any) -> bool:
    if one.is_static and other.is_static:
        return bool(one.get_length() == other.get_length())
    return bool(one.has_symbol() and other.has_symbol() and one.get_symbol() == other.get_symbol())
