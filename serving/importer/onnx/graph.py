"""Runs an ONNX graph node by node in TensorFlow. Inside a `tf.function`, this converts the graph."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper

from ...errors import FailedPrecondition
from ..reading.causes import cause
from .call import Call, Unsupported
from .elements import ELEMENTS
from .loops import LOOPS
from .normalization import NORMALIZATION
from .quantization import QUANTIZATION
from .resizing import RESIZING
from .shapes import SHAPES
from .windows import WINDOWS

OPERATORS = ELEMENTS | LOOPS | NORMALIZATION | QUANTIZATION | RESIZING | SHAPES | WINDOWS
DOMAINS = ("", "ai.onnx")
# Operators whose outputs can be much larger than their inputs.
_GROWING = {"ConstantOfShape", "Expand", "Pad", "Range", "Tile", "OneHot", "Resize", "Upsample", *LOOPS}
_SMALL = 1024  # maximum number of elements of constants that are computed at conversion, such as shapes


def nodes_of(graph: Any) -> Iterator[Any]:
    """Yields the nodes of a graph, and the nodes of its subgraphs, such as the body of a loop."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from nodes_of(inner)


def opset(model: Any) -> int:
    """Returns the version of the operator set that a model uses."""
    return max((each.version for each in model.opset_import if each.domain in DOMAINS), default=1)


class Runner:
    """Runs the graph of a model.

    Args:
        model: the model. All its operators must be in `OPERATORS`.
        values: the initializers (weights) by name.
    """

    def __init__(self, model: Any, values: Mapping[str, Any]) -> None:
        self._graph, self._values = model.graph, values
        self._opset = opset(model)

    def __call__(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Returns the outputs of the graph in order. Raises FailedPrecondition if a node cannot be converted."""
        return self._run(self._graph, {**self._values, **inputs})

    def _run(self, graph: Any, scope: dict[str, Any]) -> list[Any]:
        shapes = {each.name: each.type.tensor_type for each in (*graph.value_info, *graph.output)}
        for node in graph.node:
            inputs = [scope[name] if name else None for name in node.input]
            for name, value in zip(node.output, self._outputs(node, inputs, scope), strict=False):
                scope[name] = _with_shape(value, shapes.get(name))
        return [scope[each.name] for each in graph.output]

    def _outputs(self, node: Any, inputs: list[Any], scope: dict[str, Any]) -> list[Any]:
        def run(graph: Any, values: list[Any]) -> list[Any]:
            inner_inputs = dict(zip([each.name for each in graph.input], values, strict=True))
            constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
            return self._run(graph, {**scope, **constants, **inner_inputs})

        call = Call(self._opset, {each.name: _attribute(each) for each in node.attribute}, len(node.output), run)
        operator = OPERATORS[node.op_type]
        try:
            if _is_computed_now(node.op_type, inputs):
                with tf.init_scope():
                    results = [np.asarray(each) for each in _as_list(operator(call, *inputs))]
            else:
                results = _as_list(operator(call, *inputs))
            if len(results) < len(node.output):
                raise Unsupported(f"output {node.output[len(results)]!r} is not supported")
            return results
        except (Unsupported, ValueError, TypeError, KeyError, IndexError, AttributeError, tf.errors.OpError) as error:
            raise FailedPrecondition(
                f"ONNX node {node.name or node.output[0]!r} ({node.op_type}) cannot be converted: {cause(error)}"
            ) from error


def _as_list(results: Any) -> list[Any]:
    return list(results) if isinstance(results, list | tuple) else [results]


def _is_computed_now(operator: str, inputs: list[Any]) -> bool:
    """Whether to compute a node at conversion, because its inputs are small constants and its outputs are small."""
    present = [each for each in inputs if each is not None]
    if not all(isinstance(each, np.ndarray) for each in present) or sum(each.size for each in present) > _SMALL:
        return False
    if operator not in _GROWING:
        return True
    numbers = [number for each in present if each.dtype.kind in "iu" for number in each.ravel().tolist()]
    return operator not in LOOPS and math.prod(max(abs(number), 1) for number in numbers) <= _SMALL


def _attribute(attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return [each.decode() if isinstance(each, bytes) else each for each in value] if isinstance(value, list) else value


def _with_shape(value: Any, declared: Any) -> Any:
    """Sets the shape of a tensor to the shape that the file declares."""
    if declared is None or not declared.HasField("shape") or not isinstance(value, tf.Tensor):
        return value
    shape = [each.dim_value if each.HasField("dim_value") else None for each in declared.shape.dim]
    value.set_shape(shape)
    return value
