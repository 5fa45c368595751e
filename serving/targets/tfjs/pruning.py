"""Prunes a TensorFlow graph: removes control inputs, assertions, and all other nodes that no output needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def bodies(graph: Any) -> Iterator[Any]:
    """Yields the nodes of a `GraphDef`, then the nodes of each of its functions."""
    yield graph.node
    for function in graph.library.function:
        yield function.node_def


def prune(graph: Any, ends: Iterable[str]) -> int:
    """Removes all nodes that are not needed to compute the nodes named `ends`, and all functions that are not called.

    Returns the number of removed assertions.
    """
    before = _assertions(graph)
    _remove_unneeded(graph.node, ends)
    for function in graph.library.function:
        function.ClearField("control_ret")
        _remove_unneeded(function.node_def, (result.split(":")[0] for result in function.ret.values()))
    called = _called(graph)
    unused = [function for function in graph.library.function if function.signature.name not in called]
    after = _assertions(graph)
    for function in unused:
        graph.library.function.remove(function)
    graph.library.ClearField("gradient")
    return before - after


def _assertions(graph: Any) -> int:
    return sum(node.op == "Assert" for nodes in bodies(graph) for node in nodes)


def _remove_unneeded(nodes: Any, ends: Iterable[str]) -> None:
    by_name = {node.name: node for node in nodes}
    waiting, needed = list(ends), set()
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in needed:  # other names are arguments of a function
            node = by_name[name]
            needed.add(name)
            node.input[:] = [each for each in node.input if not each.startswith("^")]
            waiting += [each.split(":")[0] for each in node.input]
    kept = [node for node in nodes if node.name in needed]
    del nodes[:]
    nodes.extend(kept)


def _called(graph: Any) -> set[str]:
    """Returns the names of the functions that the graph calls, directly or through other functions."""
    functions = {function.signature.name: function for function in graph.library.function}
    called: set[str] = set()
    waiting = [graph.node]
    while waiting:
        for node in waiting.pop():
            for name in _functions_of(node) - called:
                called.add(name)
                waiting.append(functions[name].node_def)
    return called


def _functions_of(node: Any) -> set[str]:
    named = {attribute.func.name for attribute in node.attr.values() if attribute.HasField("func")}
    return named | {each.name for attribute in node.attr.values() for each in attribute.list.func}
