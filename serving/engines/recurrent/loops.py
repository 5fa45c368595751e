"""Recognizes the loops that are recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from openvino import opset15 as ops
from openvino.op.util import ConcatOutputDescription, InvariantInputDescription, MergedInputDescription

from .cells import CELLS, Cell, Weights
from .expressions import Term, Terms, results


@dataclass(frozen=True)
class Layer:
    """A recurrent layer.

    Attributes:
        weights: the arrays.
        sequence: the output of another node, (time, batch, features).
        states: the same of the initial states, (batch, units) each.
        outputs: what those outputs of the loop are that are used: "all" outputs (time, batch, units), the "last" one
            (1, batch, units), or the last state of a number (batch, units).
    """

    cell: Cell
    weights: Weights
    sequence: Any
    states: list[Any]
    outputs: dict[int, str | int]


def layer_of(loop: Any) -> Layer | None:
    """The layer, if a loop runs one of the cells on all rows of a sequence, and nothing but that is used of it.

    Args:
        loop: OpenVINO's node, in a model whose open dimensions have symbols.
    """
    body = _Body(loop)
    states = [name for name, source in body.changed.items() if _rank(source) == 2]
    updates = [body.update(state) for state in states]
    for x, sequence in body.rows():
        time = sequence.get_partial_shape()[0]
        outputs = body.outputs(states, time) if body.runs_for(time) else None
        if outputs is None:
            continue
        for cell, weights, names in body.candidates(len(states)):
            if list(cell.step(body.terms, x, states, names, len(weights.recurrent))) == updates:
                return Layer(cell, weights, sequence, [body.changed[state] for state in states], outputs)
    return None


class _Body:
    """What a loop does in each step, as terms.

    Attributes:
        kept: where those inputs come from that are the same in each step.
        changed: where those begin that each step changes.
    """

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.terms = Terms()
        self._zero, self._one = self.terms.constant(0), self.terms.constant(1)
        self._results = results(self.terms, loop.get_function())
        self.kept: dict[Term, Any] = {}
        self.changed: dict[Term, Any] = {}
        self._sliced: dict[Term, Any] = {}  # those of which each step gets a row
        self._result_of: dict[Term, int] = {}  # the number of the result that `changed` has in the next step
        for each in loop.get_input_descriptions():
            parameter, source = self.terms.parameter(each.body_parameter_index), loop.input_value(each.input_index)
            if isinstance(each, MergedInputDescription):
                self.changed[parameter] = source
                self._result_of[parameter] = each.body_value_index
            elif isinstance(each, InvariantInputDescription):
                self.kept[parameter] = source
            elif _is_row_by_row(each):
                self._sliced[parameter] = source
        self._counters = [
            name
            for name, source in self.changed.items()
            if _value(source) == 0 and self.update(name) is name + self._one
        ]

    def update(self, parameter: Term) -> Term:
        """What it is in the next step."""
        return self._results[self._result_of[parameter]]

    def rows(self) -> Iterator[tuple[Term, Any]]:
        """What may be the row of a step, (batch, features), and of which sequence."""
        for name, source in self._sliced.items():
            yield self.terms("Squeeze", name, self._zero), source
        for name, source in self.kept.items():
            for counter in self._counters if _rank(source) == 3 else ():
                yield self.terms("Gather", name, counter, self._zero, batch_dims=0), source

    def runs_for(self, time: Any) -> bool:
        """Whether there are as many steps, 1 at least."""
        number, condition = self._loop.get_special_body_ports()
        if number >= 0 or condition < 0 or _value(self._loop.input_value(0)) != -1:
            return False
        starts, goes_on = self._loop.input_value(1), self._results[condition]
        conditions = goes_on.arguments if goes_on.operation == "LogicalAnd" else [goes_on]
        return _starts(starts, time) and all(self._is_before(each, time) for each in conditions)

    def _is_before(self, condition: Term, time: Any) -> bool:
        """Whether it says that the number of the next step is less than `time`."""
        if condition.operation != "Less":
            return False
        number, limit = condition.arguments
        if number not in [each + self._one for each in self._counters]:
            return False
        if limit.operation == "Constant":
            return bool(time.is_static and limit.arguments == (time.get_length(),))
        return limit in self.kept and _is_same(_length(self.kept[limit]), time)

    def outputs(self, states: Sequence[Term], time: Any) -> dict[int, str | int] | None:
        """What those outputs are that are used; None if one of them is something else. See `Layer.outputs`."""
        row = self.terms("Unsqueeze", self.update(states[0]), self._zero) if states else None
        known: dict[Term | None, str | int | None] = {
            self.update(name): self._written(name, row, time)
            for name, source in self.changed.items()
            if _rank(source) == 3
        }
        known |= {row: "last"} | {self.update(state): number for number, state in enumerate(states)}
        outputs: dict[int, str | int] = {}
        for each in self._loop.get_output_descriptions():
            if self._loop.output(each.output_index).get_target_inputs():
                result = self._results[each.body_value_index]
                what: str | int | None = None
                if isinstance(each, ConcatOutputDescription):
                    what = "all" if result is row and _is_row_by_row(each) else None
                elif each.iteration == -1:
                    what = known.get(result)
                if what is None:
                    return None
                outputs[each.output_index] = what
        return outputs

    def _written(self, rows: Term, row: Term | None, time: Any) -> str | None:
        """What a list is at the end: "all" or the "last" output; None where not each step writes its own."""
        update = self.update(rows)
        if update.operation != "ScatterUpdate" or update.arguments[2:] != (row, self._zero):
            return None
        before, place = update.arguments[:2]
        if before.operation == "Broadcast":  # to the output's shape, which was not known before
            before = before.arguments[0]
        if place.operation == "Reshape":  # to a vector
            place = place.arguments[0]
        if before is not rows:
            return None
        count = _count(self.changed[rows])
        if place is self._zero:
            return "last" if count.is_static and count.get_length() == 1 else None
        return "all" if place in self._counters and _is_same(count, time) else None

    def candidates(self, states: int) -> Iterator[tuple[Cell, Weights, Weights]]:
        """Each cell with the constants in each order that fits: their values and their terms."""
        constants = {name: source.get_node() for name, source in self.kept.items() if _rank(source) in (1, 2)}
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
    """Whether each step gets or gives one row of the first axis, in their order."""
    return bool((each.axis, each.start, each.end, each.stride, each.part_size) == (0, 0, -1, 1, 1))


def _rank(output: Any) -> int | None:
    rank = output.get_partial_shape().rank
    return rank.get_length() if rank.is_static else None


def _value(output: Any) -> Any:
    """Of a constant scalar; None for any other output."""
    node = output.get_node()
    return node.get_data().item() if node.get_type_name() == "Constant" and _rank(output) == 0 else None


def _starts(condition: Any, time: Any) -> bool:
    """Whether a condition before the first step is true for every length of 1 or more."""
    node = condition.get_node()
    if node.get_type_name() == "LogicalAnd":
        return all(_starts(each, time) for each in node.input_values())
    if node.get_type_name() == "Less":
        number, limit = node.input_values()
        return _value(number) == 0 and _is_same(_length(limit), time)
    return _value(condition) is True


def _length(number: Any) -> Any:
    """The dimension of a vector that is as long as a number says."""
    return _dimension(ops.reshape(number, np.array([1]), special_zero=False))


def _dimension(shape: Any) -> Any:
    """The first of a shape: OpenVINO finds where the number came from."""
    return ops.broadcast(np.float32(0), shape).get_output_partial_shape(0)[0]


def _count(rows: Any) -> Any:
    """The first dimension of a list."""
    node = rows.get_node()
    if node.get_type_name() == "Broadcast" and node.input_value(1).get_node().get_type_name() == "Concat":
        return _dimension(ops.concat(node.input_value(1).get_node().input_values(), 0))
    return rows.get_partial_shape()[0]


def _is_same(one: Any, other: Any) -> bool:
    if one.is_static and other.is_static:
        return bool(one.get_length() == other.get_length())
    return bool(one.has_symbol() and other.has_symbol() and one.get_symbol() == other.get_symbol())
