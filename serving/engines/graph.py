"""Finds the nodes of a TensorFlow graph that a signature runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..wire.signature import SignatureDef

# Operations whose run time depends on the values of the inputs, and not only on their sizes.
LOOPS = frozenset(
    "DatasetToSingleElement Enter For LoopCond NextIteration ReduceDataset RefEnter RefNextIteration StatelessWhile "
    "While".split()
)

# Operations that write a variable. `TensorScatterUpdate`, `ScatterNd` and `TensorListScatter` only return a new tensor.
_WRITING = re.compile(
    r"""
    Assign(Add|Sub)?(VariableOp)? | AssignVariableXlaConcatND | (Resource)?StridedSliceAssign | (Resource)?CountUpTo
    | (Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update) | (Resource)?(Sparse)?Apply\w+   # Apply: optimizers
    | NegTrain | SdcaShrinkL1 | XlaLaunch | TPUReshardVariables | DestroyResourceOp
    """,
    re.VERBOSE,
)
# Operations that write the variable of a random number generator, which holds integers.
_DRAWING = re.compile(
    r"Rng(ReadAnd)?Skip|Stateful(Uniform(Int|FullInt)?|StandardNormal(V2)?|TruncatedNormal|RandomBinomial)"
)
_FLOATS = frozenset({1, 2, 14, 19})  # DT_FLOAT, DT_DOUBLE, DT_BFLOAT16, DT_HALF


def writes_variable(node: Any) -> bool:
    """Returns whether the operation of a node can change the value of a variable."""
    return bool(_WRITING.fullmatch(node.op) or _DRAWING.fullmatch(node.op))


def writes_floats(node: Any) -> bool:
    """Returns whether the operation of a node can change the value of a variable of floats."""
    return bool(_WRITING.fullmatch(node.op)) and not _FLOATS.isdisjoint(node.attr[key].type for key in ("dtype", "T"))


class Graph:
    """The nodes and the functions of a `GraphDef` by name."""

    def __init__(self, graph: Any) -> None:
        self._nodes = {node.name: node for node in graph.node}
        self._functions = {function.signature.name: function for function in graph.library.function}

    def nodes_of(self, signature: SignatureDef) -> Iterator[Any]:
        """Yields the nodes that compute a signature's outputs from its inputs, then the nodes of called functions."""
        seen = {_node_of(spec.tensor) for spec in signature.inputs.values()}
        waiting = [_node_of(spec.tensor) for spec in signature.outputs.values()]
        called: list[str] = []
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self._nodes:
                continue
            seen.add(name)
            yield self._nodes[name]
            waiting += map(_node_of, self._nodes[name].input)
            called += _functions_of(self._nodes[name])
        yield from self._nodes_called(called)

    def _nodes_called(self, waiting: list[str]) -> Iterator[Any]:
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self._functions:
                continue
            seen.add(name)
            for node in self._functions[name].node_def:
                yield node
                waiting += _functions_of(node)


def _node_of(tensor: str) -> str:
    """Returns the name of a tensor's node: "a" for the tensor names "a:0", "^a" and "a"."""
    return tensor.removeprefix("^").split(":")[0]


def _functions_of(node: Any) -> list[str]:
    single = [attribute.func.name for attribute in node.attr.values() if attribute.HasField("func")]
    return single + [each.name for attribute in node.attr.values() for each in attribute.list.func]
