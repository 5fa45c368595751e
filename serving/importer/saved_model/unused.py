"""Removes the parts of a graph that do more than compute, if nobody runs them.

A SavedModel of Keras 2 keeps the function that `Normalization.adapt` ran for each batch of the training data. This
function reads a dataset, which the list of allowed operations forbids, but no signature calls it. TensorFlow 1 keeps
the queues that read the training data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ...allowed_operations import SAVER, Nodes, called, initializers, node_of, reason, tensors_of

SHOWN = 3  # maximum number of names in a line
# TensorFlow runs these functions of a resource, such as a table, when it loads or frees a SavedModel.
_RESOURCE = ("_create_resource", "_initialize", "_destroy_resource")
_RUNNERS = ("queue_runners", "while_context", "cond_context")  # collections of other messages that name nodes


def remove_unused(meta_graph: Any) -> list[str]:
    """Removes functions and nodes with forbidden operations that neither a signature nor loading can reach.

    Forbidden parts that a signature or loading can reach stay in the graph, so that `check_graph` refuses them. Call
    `check_graph` afterwards: the safety of the graph does not depend on what this function removes.

    Args:
        meta_graph: a `MetaGraphDef`. It is modified.

    Returns:
        A line of text for each kind of removed parts. [] if the graph is not modified.

    Raises:
        InvalidArgument: the graph is damaged.
    """
    graph, objects = meta_graph.graph_def, meta_graph.object_graph_def
    nodes = Nodes(graph)
    unsafe = _functions_with(nodes, lambda node: bool(reason(node)))
    needed_nodes = [name for name in _needed_nodes(meta_graph) if name in {each.name for each in graph.node}]
    main = _unsafe_nodes(graph, unsafe) - {node.name for function, node in nodes.reach(needed_nodes) if not function}
    remaining = [each.name for each in graph.node if each.name not in main]
    needed = _loading_functions(objects)
    removed = unsafe - {function for function, _ in nodes.reach(remaining, needed)}
    # A function of a model may not use the operations of a saver. Only loading and saving the variables may use them.
    savers = _functions_with(nodes, lambda node: node.op in SAVER)
    hidden = (unsafe | savers) & set(objects.concrete_functions) - {name for name, _ in nodes.reach([], needed)}
    shown = _hide(objects, hidden) if hidden else sorted(removed)
    lines = _line("function", shown, "no signature calls") if shown else []
    if removed:
        _delete(graph.library.function, lambda each: each.signature.name in removed)
        _delete(graph.library.gradient, lambda each: bool({each.function_name, each.gradient_func} & removed))
        _delete(graph.library.registered_gradients, lambda each: each.gradient_func in removed)
    if main:
        lines += _line("node", sorted(main), "no signature needs")
        _remove_nodes(meta_graph, main)
    return lines


def _functions_with(nodes: Nodes, matches: Callable[[Any], bool]) -> set[str]:
    """Returns the functions with a matching node, and the functions that call them."""
    callers = defaultdict(list)
    for function, name in nodes.calls():
        callers[name].append(function)
    pending = [function for function, node in nodes.all() if function and matches(node)]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name and name not in found:
            found.add(name)
            pending += callers[name]
    return found


def _unsafe_nodes(graph: Any, unsafe: set[str]) -> set[str]:
    """Returns the nodes of the main graph that are forbidden, that call unsafe functions, or that need such nodes."""
    users = defaultdict(list)
    for node in graph.node:
        for each in node.input:
            users[node_of(each)].append(node.name)
    pending = [node.name for node in graph.node if reason(node) or unsafe & set(called(node))]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += users[name]
    return found


def _needed_nodes(meta_graph: Any) -> list[str]:
    """Returns the nodes that signatures, loading and saving use directly."""
    saver = meta_graph.saver_def
    names = [saver.filename_tensor_name, saver.save_tensor_name, saver.restore_op_name]
    names += [each.tensor_info.name for each in meta_graph.asset_file_def]
    names += [name for each in initializers(meta_graph).values() for name in each]
    for signature in meta_graph.signature_def.values():
        for info in (*signature.inputs.values(), *signature.outputs.values()):
            names += tensors_of(info)
    return list(map(node_of, names))


def _loading_functions(objects: Any) -> list[str]:
    """Returns the functions that TensorFlow runs when it loads or frees the objects of a SavedModel."""
    numbers = [child.node_id for each in objects.nodes for child in each.children if child.local_name in _RESOURCE]
    for each in objects.nodes:
        for saveable in each.saveable_objects.values():
            numbers += [saveable.save_function, saveable.restore_function]
    return [name for number in numbers for name in _names(objects.nodes[number])]


def _names(node: Any) -> list[str]:
    """Returns the concrete functions of an object."""
    return [*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name]


def _hide(objects: Any, hidden: set[str]) -> list[str]:
    """Removes functions from the objects of a SavedModel. Returns the names that the objects have for the functions."""
    found = set()
    for number, node in enumerate(objects.nodes):
        if hidden.isdisjoint(_names(node)):
            continue
        if node.WhichOneof("kind") == "function":
            found |= {child.local_name for each in objects.nodes for child in each.children if child.node_id == number}
            _delete(node.function.concrete_functions, lambda name: name in hidden)
        else:  # a single concrete function becomes an object without contents
            node.user_object.identifier = "_generic_user_object"
            node.user_object.version.producer = node.user_object.version.min_consumer = 1
    for name in hidden:
        del objects.concrete_functions[name]
    return sorted(found or hidden)


def _remove_nodes(meta_graph: Any, names: set[str]) -> None:
    """Removes nodes from the main graph, and from the collections of nodes, which only training uses."""
    _delete(meta_graph.graph_def.node, lambda each: each.name in names)
    for key in [key for key in meta_graph.collection_def if key in _RUNNERS]:
        del meta_graph.collection_def[key]
    for collection in meta_graph.collection_def.values():
        _delete(collection.node_list.value, lambda each: node_of(each) in names)


def _delete(values: Any, matches: Callable[[Any], bool]) -> None:
    """Deletes the matching values of a repeated field."""
    for at in reversed(range(len(values))):
        if matches(values[at]):
            del values[at]


def _line(what: str, names: list[str], use: str) -> list[str]:
    shown = ", ".join(f"{name:.100}" for name in names[:SHOWN]) + (" and so on" if len(names) > SHOWN else "")
    plural = "s" if len(names) > 1 else ""
    return [f"{what}{plural} {shown} removed: {use} {'them' if plural else 'it'}, and imported graphs may only compute"]
