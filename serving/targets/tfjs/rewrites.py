"""Replaces operations that TensorFlow.js lacks with operations that TensorFlow.js supports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from .pruning import bodies

# Operations that TensorFlow.js has under another name, or for which it has an equivalent operation.
_RENAMED = {"BatchMatMulV3": "BatchMatMulV2", "Inv": "Reciprocal", "LogicalXor": "NotEqual"}
_GATHER_STRINGS = "GatherV2 of strings"  # in TensorFlow.js GatherNd supports strings, and GatherV2 does not
# For each operation, the steps that replace it. A step is an operation, followed by its inputs. Each input is "first"
# or "second" (an input of the replaced operation), the name of a constant, or the number of an earlier step.
_STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "Erfc": (("Erf", "first"), ("Sub", "one", "0")),
    "Softsign": (("Abs", "first"), ("AddV2", "0", "one"), ("RealDiv", "first", "1")),
    _GATHER_STRINGS: (("ExpandDims", "second", "last axis"), ("GatherNd", "first", "0")),
}
_CONSTANTS = {"one": (1.0, tf.float32), "last axis": (-1, tf.int32)}


def rewrite(graph: Any) -> set[str]:
    """Changes a `GraphDef` and its functions in place. Returns the names of the replaced operations."""
    replaced = set()
    for nodes in bodies(graph):
        for node in list(nodes):
            name = _operation(node)
            if name in _RENAMED:
                node.op = _RENAMED[name]
            elif name in _STEPS:
                nodes.extend(_expand(node, _STEPS[name]))
            else:
                continue
            replaced.add(name)
    return replaced


def _operation(node: Any) -> str:
    is_gather = node.op == "GatherV2" and node.attr["Tparams"].type == tf.string.as_datatype_enum
    return _GATHER_STRINGS if is_gather else str(node.op)


def _expand(node: Any, steps: tuple[tuple[str, ...], ...]) -> Iterator[Any]:
    """Turns the node into the last step, and yields new nodes for the constants and the other steps."""
    names = dict(zip(("first", "second"), node.input, strict=False))
    for name in {each for step in steps for each in step[1:]} & _CONSTANTS.keys():
        value, dtype = _CONSTANTS[name]
        names[name] = f"{node.name}/{name.replace(' ', '_')}"
        constant = tf.compat.v1.NodeDef(name=names[name], op="Const")
        constant.attr["dtype"].type = dtype.as_datatype_enum
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype, ()))
        yield constant
    for number, (operation, *inputs) in enumerate(steps[:-1]):
        names[str(number)] = f"{node.name}/{number}"
        yield tf.compat.v1.NodeDef(name=names[str(number)], op=operation, input=[names[each] for each in inputs])
    node.op, node.input[:] = steps[-1][0], [names[each] for each in steps[-1][1:]]
    node.attr.clear()
