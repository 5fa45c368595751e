"""Symbolic expressions of the outputs of an OpenVINO graph. Graphs with equal expressions compute equal outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SMALL = 8  # elements; a larger constant is identified by its name, not by its values


class Expression:
    """An operation on other expressions.

    `ExpressionBuilder` returns the same object for equal expressions, so compare expressions with `is`.

    Attributes:
        operation: name of the operation.
        arguments: the operands, or the values of a constant.
    """

    __slots__ = ("_number", "_build", "arguments", "operation")

    def __init__(self, build: ExpressionBuilder, number: int, operation: str, arguments: tuple[Any, ...]) -> None:
        self._build = build
        self._number = number
        self.operation = operation
        self.arguments = arguments

    def __add__(self, other: Expression) -> Expression:
        return self._build("Add", *sorted((self, other), key=_number))

    def __mul__(self, other: Expression) -> Expression:
        return self._build("Multiply", *sorted((self, other), key=_number))

    def __matmul__(self, other: Expression) -> Expression:
        return self._build("MatMul", self, other, transpose_a=False, transpose_b=False)

    def columns(self, start: int, stop: int) -> Expression:
        """Returns `self[:, start:stop]`."""
        return self._build("columns", self, start, stop)


def _number(expression: Expression) -> int:
    return expression._number


class ExpressionBuilder:
    """Builds expressions, for example `build("Tanh", x)`."""

    def __init__(self) -> None:
        self._expressions: dict[tuple[Any, ...], Expression] = {}

    def __call__(self, operation: str, *arguments: Any, **attributes: object) -> Expression:
        key = (operation, arguments, repr(sorted(attributes.items())))
        if key not in self._expressions:
            self._expressions[key] = Expression(self, len(self._expressions), operation, arguments)
        return self._expressions[key]

    def constant(self, *values: float) -> Expression:
        """Returns a constant scalar or vector."""
        return self("Constant", *values)

    def parameter(self, index: int) -> Expression:
        """Returns the graph's input with this index."""
        return self("Parameter", index)


def results(build: ExpressionBuilder, model: Any) -> list[Expression]:
    """Returns the expression of each output of an `openvino.Model`."""
    known: dict[tuple[str, int], Expression] = {}
    for index, node in enumerate(model.get_parameters()):
        known[node.get_name(), 0] = build.parameter(index)
    for node in model.get_ordered_ops():
        if node.get_type_name() not in ("Parameter", "Result"):
            arguments = [known[_key(source)] for source in node.input_values()]
            for index in range(node.get_output_size()):
                known[node.get_name(), index] = _expression(build, node, arguments, index)
    return [known[_key(node.input_value(0))] for node in model.get_results()]


def _key(output: Any) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _expression(build: ExpressionBuilder, node: Any, arguments: list[Expression], index: int) -> Expression:
    operation = node.get_type_name()
    if operation == "Constant":
        values = node.get_data()
        is_small = values.ndim < 2 and values.size <= _SMALL
        return build.constant(*values.ravel().tolist()) if is_small else build("Constant", node.get_name())
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
    return build(operation, *arguments, **attributes)


def _columns(
    node: Any, attributes: Mapping[str, Any], arguments: list[Expression], index: int
) -> tuple[int, int] | None:
    """Returns (start, stop) if the node selects the columns `[:, start:stop]` of a matrix, else None."""
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
    """Returns (start, stop) if the slice is `[:, start:stop]`, else None.

    Returns None for slices with strides, with negative indices, or that add or remove axes.
    """
    masks = {name: [*mask, 0, 0][:2] for name, mask in attributes.items() if name.endswith("_mask")}
    begin_mask, end_mask = masks.pop("begin_mask"), masks.pop("end_mask")
    if strides != (1, 1) or any(map(any, masks.values())):
        return None
    all_rows = (begin_mask[0] or begin[0] == 0) and end_mask[0]
    start = 0 if begin_mask[1] else begin[1]
    stop = width if end_mask[1] else end[1]
    return (start, stop) if all_rows and 0 <= start < stop <= width else None
