"""Changes loops that write lists, such as loops of recurrent layers, so that TensorFlow.js keeps the written tensors.

After each step, TensorFlow.js (4.22) frees all tensors of the step that are not results of the step, including tensors
that the step has written to a list. Therefore each written tensor becomes a result: the loop gets an additional
variable that nothing reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from .pruning import bodies

_WRITES = {"TensorListSetItem": 2, "TensorListPushBack": 1}  # index of the input that is written


def keep_items(graph: Any) -> None:
    """Changes the loops of a `GraphDef` in place, so that each tensor that a step writes to a list is a result."""
    functions = {function.signature.name: function for function in graph.library.function}
    for nodes in bodies(graph):
        for node in list(nodes):
            if node.op in ("While", "StatelessWhile"):
                condition, step = (functions[node.attr[name].func.name] for name in ("cond", "body"))
                for item, dtype in _list_items(step):
                    nodes.append(_add_variable(node, condition, step, item, dtype))


def _list_items(step: Any) -> Iterator[tuple[str, int]]:
    """Yields the tensors that a step writes to lists, with their dtypes."""
    for node in step.node_def:
        if node.op in _WRITES:
            yield node.input[_WRITES[node.op]], node.attr["element_dtype"].type


def _add_variable(loop: Any, condition: Any, step: Any, item: str, dtype: int) -> Any:
    """Makes `item` a result of the step. Returns the constant with the variable's initial value."""
    number = len(loop.input)
    start = tf.compat.v1.NodeDef(name=f"{loop.name}/item_{number}", op="Const")
    start.attr["dtype"].type = dtype
    start.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(0, tf.as_dtype(dtype), ()))
    loop.input.append(start.name)
    loop.attr["T"].list.type.append(dtype)
    for function in (condition, step):
        function.signature.input_arg.add(name=f"item_{number}", type=dtype)
    step.signature.output_arg.add(name=f"item_{number}_written", type=dtype)
    step.ret[f"item_{number}_written"] = item
    return start
