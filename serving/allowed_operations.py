"""Checks, without TensorFlow, that a graph only computes. Some operations read or write files, or run code.

`allowed_operations.json` names the operations that only compute. All other operations are refused, with two
exceptions: the saver of a SavedModel may read the SavedModel's own variables, and nothing runs the part of the graph
that writes them. `python -m tools.build_allowed_operations` writes the file.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import DecodeError

from .errors import InvalidArgument, PermissionDenied

FILE = Path(__file__).with_suffix(".json")
# Operations of a saver, which read and write files.
_READING = frozenset("RestoreV2 Restore RestoreSlice".split())
SAVER = _READING | frozenset("SaveV2 MergeV2Checkpoints Save SaveSlices ShardedFilename ShardedFilespec".split())
_INITIALIZERS = ("saved_model_main_op", "legacy_init_op", "table_initializer")
_LONGEST_NAME = 1000  # bytes of an attribute that can be the name of a function
_TRAINING = {"forward_function_name", "backward_function_name"}  # a backward and a forward function has this attribute
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")  # their inputs are the arguments of the function


@functools.cache
def allowed() -> frozenset[str]:
    """Returns the names of TensorFlow's operations that only compute."""
    return frozenset(json.loads(FILE.read_text("utf-8")))


def check(meta_graph: Any, hint: str = "") -> Nodes:
    """Raises PermissionDenied if a graph has an operation that does more than compute. Returns the graph's nodes.

    Args:
        meta_graph: a `MetaGraphDef`.
        hint: end of the error message: how the user can allow the operation.

    Raises:
        PermissionDenied: an operation is not allowed. The message names the node and the operation.
        InvalidArgument: a node is missing.
    """
    nodes = Nodes(meta_graph.graph_def)
    try:
        _check(meta_graph, nodes)
    except PermissionDenied as error:
        raise PermissionDenied(f"{error} {hint}".rstrip()) from None
    return nodes


def _check(meta_graph: Any, graph: Nodes) -> None:
    for function, node in graph.all():
        if why := reason(node):
            raise _denied(function, node, why)
    for what, nodes in _uses(meta_graph, graph):
        for function, node in nodes:
            if node.op in SAVER:
                why = f"which reads or writes files, used by {what!r:.100}, which is not a saver"
                raise _denied(function, node, why)
    saver = meta_graph.saver_def
    for function, node in graph.reach([saver.restore_op_name]):
        if node.op in _READING and not graph.comes_from(function, node, saver.filename_tensor_name):
            raise _denied(function, node, "which reads other files than the variables of the SavedModel")
        if node.op in SAVER - _READING:
            raise _denied(function, node, "which reads or writes files, used for restoring the variables")


def reason(node: Any) -> str:
    """Returns why a node is refused anywhere in a graph, or "" if it only computes or belongs to a saver."""
    if node.op not in SAVER and node.op not in allowed():
        return "which is not on the list of operations that only compute"
    if node.op == "PrintV2" and node.attr["output_stream"].s not in (b"", b"stderr", b"stdout"):
        return "which writes to a file"
    return ""


def _uses(meta_graph: Any, graph: Nodes) -> Iterator[tuple[str, Iterable[tuple[str, Any]]]]:
    """Yields (name, nodes) for each entry point except the restore operation: signatures, initializers, functions."""
    for name, signature in meta_graph.signature_def.items():
        yield name, graph.reach(name for info in signature.outputs.values() for name in tensors_of(info))
    for key, names in initializers(meta_graph).items():
        yield key, graph.reach(names)
    for name in meta_graph.object_graph_def.concrete_functions:
        yield name, graph.reach([], [name])


def initializers(meta_graph: Any) -> dict[str, list[str]]:
    """Returns the nodes that loading runs, by the name of their collection.

    TensorFlow in Python runs the last two, if a graph in the format of TensorFlow 1 has none of the others.

    Raises:
        InvalidArgument: a variable cannot be parsed.
    """
    found = {key: list(each.node_list.value) for key, each in meta_graph.collection_def.items() if key in _INITIALIZERS}
    if (key := "local_variables") in meta_graph.collection_def:
        pool = meta_graph.DESCRIPTOR.file.pool
        variable = message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.VariableDef"))
        try:
            variables = map(variable.FromString, meta_graph.collection_def[key].bytes_list.value)
            found[key] = [each.initializer_name for each in variables]
        except DecodeError:
            raise InvalidArgument(f"Damaged graph: the collection {key} cannot be parsed") from None
    return found


def tensors_of(info: Any) -> list[str]:
    """Returns the names of the tensors of a signature's output. A sparse output has three tensors."""
    sparse = info.coo_sparse
    parts = [sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name]
    return [info.name, *parts, *(name for part in info.composite_tensor.components for name in tensors_of(part))]


class Nodes:
    """The nodes of a graph and of its functions. The main graph has the function name "".

    Args:
        graph: a `GraphDef`.

    Raises:
        InvalidArgument: two functions, or two nodes of a function, have the same name.
    """

    def __init__(self, graph: Any) -> None:
        self._nodes = {"": _by_name(graph.node)}
        self._arguments: dict[str, list[str]] = {"": []}
        for function in graph.library.function:
            name = function.signature.name
            if name in self._nodes:
                raise InvalidArgument(f"Damaged graph: duplicate function {name!r:.100}")
            self._nodes[name] = _by_name(function.node_def)
            self._arguments[name] = [each.name for each in function.signature.input_arg]
        self._linked = _linked_functions(graph.library.function)

    def all(self) -> Iterator[tuple[str, Any]]:
        """Yields (function, node) for every node."""
        for function, nodes in self._nodes.items():
            for node in nodes.values():
                yield function, node

    def calls(self) -> Iterator[tuple[str, str]]:
        """Yields (function, called function) for all calls. Both names are "" for the main graph."""
        for function, node in self.all():
            yield from ((function, name) for name in called(node) if name in self._nodes)
        for function, names in self._linked.items():
            yield from ((function, name) for name in names if name in self._nodes)

    def reach(self, fetches: Iterable[str], functions: Iterable[str] = ()) -> Iterator[tuple[str, Any]]:
        """Yields (function, node) for the nodes that `fetches` need, and for all nodes of the called functions."""
        pending = [node_of(name) for name in fetches]
        pending_functions = list(functions)
        seen: set[str] = set()
        while pending:
            name = pending.pop()
            if name in seen or not name:
                continue
            seen.add(name)
            if name not in self._nodes[""]:
                raise InvalidArgument(f"Damaged graph: node {name!r:.100} is missing")
            node = self._nodes[""][name]
            yield "", node
            pending += map(node_of, node.input)
            pending_functions += called(node)
        seen = {""}
        while pending_functions:
            name = pending_functions.pop()
            if name in seen:
                continue
            seen.add(name)
            pending_functions += self._linked.get(name, ())
            for node in self._nodes.get(name, {}).values():
                yield name, node
                pending_functions += called(node)

    def comes_from(self, function: str, node: Any, source: str) -> bool:
        """Returns whether a node's first input is always the tensor `source` of the main graph, passed unchanged."""
        seen, pending = set(), [(function, node_of("".join(node.input[:1])))]
        while pending:
            function, name = place = pending.pop()
            if place in seen or place == ("", node_of(source)):
                continue
            seen.add(place)
            node = self._nodes[function].get(name)
            if name in self._arguments[function]:
                index = self._arguments[function].index(name)
                for caller, call in self.all():
                    if function in called(call):
                        if call.op not in _CALLS or index >= len(call.input):
                            return False
                        pending.append((caller, node_of(call.input[index])))
            elif node is not None and node.op == "Identity" and node.input:
                pending.append((function, node_of(node.input[0])))
            else:
                return False
        return True


def _by_name(nodes: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in nodes:
        if found.setdefault(node.name, node) is not node:
            raise InvalidArgument(f"Damaged graph: duplicate node {node.name!r:.100}")
    return found


def node_of(tensor: str) -> str:
    """Returns the name of a tensor's node: "a" for the tensor names "a:0", "^a" and "a"."""
    return tensor.lstrip("^").partition(":")[0]


def called(node: Any) -> list[str]:
    """Returns the names of the functions that a node can call."""
    # The operation of a node can be the name of a function.
    return [*_names_in(node.attr), node.op]


def _names_in(attributes: Any) -> list[str]:
    """Returns the functions in the attributes of a node or function, and all short texts, which can name functions."""
    names = []
    for value in attributes.values():
        names += [value.func.name] if value.HasField("func") else [each.name for each in value.list.func]
        names += [text.decode(errors="replace") for text in (value.s, *value.list.s) if 0 < len(text) <= _LONGEST_NAME]
    return names


def _linked_functions(functions: Iterable[Any]) -> dict[str, list[str]]:
    """Returns the functions that TensorFlow may run instead of each function, or after it.

    TensorFlow's optimizer replaces a function by any other function of the same kind with the same `api_implements`:
    functions for inference, and the forward and backward functions of training. Only an attribute of a function can
    lead from one kind to another.
    """
    implementations: dict[tuple[bytes, str], list[str]] = {}
    for function in functions:
        if "api_implements" in function.attr:
            for kind in _TRAINING & function.attr.keys() or {"inference"}:
                same = implementations.setdefault((function.attr["api_implements"].s, kind), [])
                same.append(function.signature.name)
    linked = {each.signature.name: _names_in(each.attr) for each in functions}
    for names in implementations.values():
        for name in names:
            linked[name] += names
    return linked


def _denied(function: str, node: Any, why: str) -> PermissionDenied:
    where = f" of function {function!r:.100}" if function else ""
    return PermissionDenied(
        f"Unsafe graph refused: node {node.name!r:.100}{where} with operation {node.op!r:.100}, {why}"
    )
