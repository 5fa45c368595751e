"""Converts an endpoint to a frozen TensorFlow graph in the format of TensorFlow.js.

Variables become constants, and the values of all constants move from the graph to the weights. Assertions are removed.
Operations that TensorFlow.js lacks are replaced with other operations if possible, and otherwise rejected.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ...errors import FailedPrecondition
from ...signatures import Endpoint
from ...wire.dtypes import BY_NUMBER
from . import OPERATIONS
from .loops import keep_items
from .pruning import bodies, prune
from .rewrites import rewrite
from .weights import Arrays

_NARROWED = {tf.int64: "int32", tf.float64: "float32"}


@dataclass(frozen=True)
class Graph:
    """The parts of a TensorFlow.js graph model.

    Attributes:
        definition: the `GraphDef` as JSON, without the values of its constants.
        constants: the values of the constants, by the names of their nodes.
        signature: the `inputs` and `outputs` by name, in the format of TensorFlow.js.
        notes: changes to the model.
    """

    definition: dict[str, Any]
    constants: Arrays
    signature: dict[str, dict[str, Any]]
    notes: list[str]


def freeze(model: keras.Model, endpoint: Endpoint) -> Graph:
    """Returns the graph of an endpoint. Raises FailedPrecondition if TensorFlow.js does not support the graph."""
    if endpoint.tables:
        raise FailedPrecondition("TensorFlow.js does not support signatures with look-up tables")
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    tensors = {
        "inputs": dict(zip([spec.name for spec in endpoint.inputs], frozen.inputs, strict=True)),
        "outputs": dict(zip(sorted(function.structured_outputs), frozen.outputs, strict=True)),
    }
    graph, notes = frozen.graph.as_graph_def(), []
    if assertions := prune(graph, [tensor.op.name for each in tensors.values() for tensor in each.values()]):
        notes.append(f"assertions left out: {assertions}")
    notes += [f"{name} is replaced by other operations" for name in sorted(rewrite(graph))]
    _check_operations(model, graph)
    keep_items(graph)
    notes += [
        f"{name} is {_NARROWED[tensor.dtype]} instead of {tensor.dtype.name}"
        for each in tensors.values()
        for name, tensor in each.items()
        if tensor.dtype in _NARROWED
    ]
    constants = dict(_extract_constants(graph))
    signature = {key: {name: _describe(tensor) for name, tensor in each.items()} for key, each in tensors.items()}
    return Graph(json_format.MessageToDict(graph), constants, signature, notes)


def _check_operations(model: keras.Model, graph: Any) -> None:
    """Raises FailedPrecondition if TensorFlow.js lacks an operation."""
    supported = json.loads(OPERATIONS.read_text("utf-8"))
    for nodes in bodies(graph):
        for node in nodes:
            if node.op not in supported["operations"]:
                raise FailedPrecondition(
                    f"TensorFlow.js {supported['version']} does not support the operation "
                    f"{node.op} in {_layer_of(model, node.name)}"
                )


def _layer_of(model: keras.Model, node: str) -> str:
    """Returns a description of a node's layer for error messages, or the node's name if no layer is found.

    Searches the scopes in the node's name, from the innermost to the outermost, for the name of a layer. A scope can
    have an additional number at its end.
    """
    names = {layer.name for layer in model._flatten_layers()}
    for scope in reversed(node.split("/")[:-1]):
        for name in (scope, scope.rpartition("_")[0]):
            if name in names:
                return f"layer {name!r}"
    return node


def _extract_constants(graph: Any) -> Iterator[tuple[str, Any]]:
    """Yields the name and the value of each constant, and removes the value from the graph.

    A constant in a function gets the function's name as prefix, so that names are unique.
    """
    for node in graph.node:
        if node.op == "Const":
            yield node.name, _value(node)
    for function in graph.library.function:
        constants = [node.name for node in function.node_def if node.op == "Const"]
        renamed = {name: f"{function.signature.name}/{name}" for name in constants}
        for node in function.node_def:
            node.input[:] = [_renamed(name, renamed) for name in node.input]
            if node.op == "Const":
                node.name = renamed[node.name]
                yield node.name, _value(node)
        for name, result in function.ret.items():
            function.ret[name] = _renamed(result, renamed)


def _renamed(tensor: str, names: dict[str, str]) -> str:
    node, colon, rest = tensor.partition(":")
    return names.get(node, node) + colon + rest


def _value(node: Any) -> Any:
    array = tf.make_ndarray(node.attr["value"].tensor)
    del node.attr["value"]
    return array


def _describe(tensor: Any) -> dict[str, Any]:
    """Returns the description of a tensor in the signature of a graph model: name, dtype and shape."""
    dtype = BY_NUMBER[tensor.dtype.as_datatype_enum].enum
    return {
        "name": tensor.name,
        "dtype": dtype,
        "tensorShape": json_format.MessageToDict(tensor.shape.as_proto()),
    }
