"""What a graph of OpenVINO's computes, written as terms: two graphs compute the same if their terms are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SMALL = 8  # elements; a larger constant is known by its name only


class Term:
    """An operation on other terms. `Terms` makes them, one object for equal ones, so that `is` compares them.

    Attributes:
        operation: its name.
        arguments: the terms, or the values of a constant.
    """

    __slots__ = ("_number", "_terms", "arguments", "operation")

    def __init__(self, terms: Terms, number: int, operation: str, arguments: tuple[Any, ...]) -> None:
        self._terms = terms
        self._number = number
        self.operation = operation
        self.arguments = arguments

    def __add__(self, other: Term) -> Term:
        return self._terms("Add", *sorted((self, other), key=_number))

    def __mul__(self, other: Term) -> Term:
        return self._terms("Multiply", *sorted((self, other), key=_number))

    def __matmul__(self, other: Term) -> Term:
        return self._terms("MatMul", self, other, transpose_a=False, transpose_b=False)

    def columns(self, start: int, stop: int) -> Term:
        """`self[:, start:stop]`."""
        return self._terms("columns", self, start, stop)


def _number(term: Term) -> int:
    return term._number


class Terms:
    """Makes terms: `terms("Tanh", x)`."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Term] = {}

    def __call__(self, operation: str, *arguments: Any, **attributes: object) -> Term:
        key = (operation, arguments, repr(sorted(attributes.items())))
        if key not in self._made:
            self._made[key] = Term(self, len(self._made), operation, arguments)
        return self._made[key]

    def constant(self, *values: float) -> Term:
        """A scalar or a vector."""
        return self("Constant", *values)

    def parameter(self, index: int) -> Term:
        """An input of the graph."""
        return self("Parameter", index)


def results(terms: Terms, model: Any) -> list[Term]:
    """The terms of the outputs of an `openvino.Model`."""
    made: dict[tuple[str, int], Term] = {}
    for index, node in enumerate(model.get_parameters()):
        made[node.get_name(), 0] = terms.parameter(index)
    for node in model.get_ordered_ops():
        if node.get_type_name() not in ("Parameter", "Result"):
            arguments = [made[_place(source)] for source in node.input_values()]
            for index in range(node.get_output_size()):
                made[node.get_name(), index] = _term(terms, node, arguments, index)
    return [made[_place(node.input_value(0))] for node in model.get_results()]


def _place(output: Any) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _term(terms: Terms, node: Any, arguments: list[Term], index: int) -> Term:
    operation = node.get_type_name()
    if operation == "Constant":
        values = node.get_data()
        is_small = values.ndim < 2 and values.size <= _SMALL
        return terms.constant(*values.ravel().tolist()) if is_small else terms("Constant", node.get_name())
    if operation == "Convert" and node.get_output_element_type(0) == node.get_input_element_type(0):
        return arguments[0]
    attributes = node.get_attributes()
    if (columns := _columns(node, attributes, arguments, index)) is not None:
        return arguments[0].columns(*columns)
    if attributes.get("auto_broadcast") == "numpy":
        del attributes["auto_broadcast"]
    if operation == "Add" and not attributes:
        return arguments[0] + arguments[1]
    if operation == "Multiply" and not attributes:
        return arguments[0] * arguments[1]
    if node.get_output_size() > 1:
        attributes["output"] = index
    return terms(operation, *arguments, **attributes)


def _columns(node: Any, attributes: Mapping[str, Any], arguments: list[Term], index: int) -> tuple[int, int] | None:
    """Start and stop, where a node takes columns of a matrix."""
    shape = node.get_input_partial_shape(0) if arguments else None
    if shape is None or shape.rank.is_dynamic or len(shape) != 2 or shape[1].is_dynamic:
        return None
    width = shape[1].get_length()
    if node.get_type_name() == "Split" and arguments[1].arguments in ((1,), (-1,)):
        size = width // attributes["num_splits"]
        return index * size, (index + 1) * size
    if node.get_type_name() == "StridedSlice" and all(each.operation == "Constant" for each in arguments[1:]):
        return _sliced_columns(width, attributes, *(each.arguments for each in arguments[1:]))
    return None


def _sliced_columns(
    width: int, attributes: Mapping[str, Any], begin: Any, end: Any, strides: Any
) -> tuple[int, int] | None:
    """For `[:, start:stop]` of a matrix: the only slice without strides, negative numbers and new or lost axes."""
    masks = {name: [*mask, 0, 0][:2] for name, mask in attributes.items() if name.endswith("_mask")}
    begin_mask, end_mask = masks.pop("begin_mask"), masks.pop("end_mask")
    if strides != (1, 1) or any(map(any, masks.values())):
        return None
    all_rows = (begin_mask[0] or begin[0] == 0) and end_mask[0]
    start = 0 if begin_mask[1] else begin[1]
    stop = width if end_mask[1] else end[1]
    return (start, stop) if all_rows and 0 <= start < stop <= width else None
