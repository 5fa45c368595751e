"""A function of a model as a frozen TensorFlow graph, in the form in which TensorFlow.js takes it.

Variables become constants, and all constants leave the graph for the weights. What only checks goes. An operation that
TensorFlow.js lacks is written by others that it has, or refused.
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
    """What a TensorFlow.js graph model is made of.

    Attributes:
        definition: the `GraphDef` as JSON, without the values of its constants.
        constants: those, by the names of their nodes.
        signature: its `inputs` and its `outputs` by name, as TensorFlow.js describes them.
        notes: what was changed.
    """

    definition: dict[str, Any]
    constants: Arrays
    signature: dict[str, dict[str, Any]]
    notes: list[str]


def freeze(model: keras.Model, endpoint: Endpoint) -> Graph:
    """The graph of an endpoint. Raises FailedPrecondition for what TensorFlow.js lacks."""
    if endpoint.tables:
        raise FailedPrecondition("Expected a function of arrays, for TensorFlow.js. Received: one with look-up tables")
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    tensors = {
        "inputs": dict(zip([spec.name for spec in endpoint.inputs], frozen.inputs, strict=True)),
        "outputs": dict(zip(sorted(function.structured_outputs), frozen.outputs, strict=True)),
    }
    graph, notes = frozen.graph.as_graph_def(), []
    if assertions := prune(graph, [tensor.op.name for each in tensors.values() for tensor in each.values()]):
        notes.append(f"{assertions} assertions are left out")
    notes += [f"{name} is written by other operations" for name in sorted(rewrite(graph))]
    _refuse_others(model, graph)
    keep_items(graph)
    notes += [
        f"{name} is {_NARROWED[tensor.dtype]}, which was {tensor.dtype.name}"
        for each in tensors.values()
        for name, tensor in each.items()
        if tensor.dtype in _NARROWED
    ]
    constants = dict(_taken_out(graph))
    signature = {kind: {name: _described(tensor) for name, tensor in each.items()} for kind, each in tensors.items()}
    return Graph(json_format.MessageToDict(graph), constants, signature, notes)


def _refuse_others(model: keras.Model, graph: Any) -> None:
    listed = json.loads(OPERATIONS.read_text("utf-8"))
    for nodes in bodies(graph):
        for node in nodes:
            if node.op not in listed["operations"]:
                raise FailedPrecondition(
                    f"Expected operations that TensorFlow.js {listed['version']} has. "
                    f"Received: {node.op} in {_place(model, node.name)}"
                )


def _place(model: keras.Model, node: str) -> str:
    """The layer of a node: the innermost of its scopes that is a layer's name, perhaps with a number at its end."""
    names = {layer.name for layer in model._flatten_layers()}
    for scope in reversed(node.split("/")[:-1]):
        for name in (scope, scope.rpartition("_")[0]):
            if name in names:
                return f"layer {name!r}"
    return node


def _taken_out(graph: Any) -> Iterator[tuple[str, Any]]:
    """The constants by name; their nodes lose their values. Those of functions get names of their own."""
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


def _described(tensor: Any) -> dict[str, Any]:
    """A tensor as in a SavedModel's signature."""
    dtype = BY_NUMBER[tensor.dtype.as_datatype_enum].enum
    return {
        "name": tensor.name,
        "dtype": dtype,
        "tensorShape": json_format.MessageToDict(tensor.shape.as_proto()),
    }
