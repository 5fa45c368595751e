"""Checks that the graph of a SavedModel only computes, and that its constants are not larger than its file allows."""

from __future__ import annotations

import math
from typing import Any

from ... import allowed_operations
from ...wire import dtypes
from ..reading.bounds import check_size

_TRUST_HINT = "(--trust allows it)"


def check_graph(meta_graph: Any, stored: int) -> None:
    """Raises an error if a graph has an operation that does more than compute, or constants that are too large.

    Args:
        meta_graph: a `MetaGraphDef`.
        stored: size of the graph's file in bytes.

    Raises:
        PermissionDenied: an operation is not allowed. The message names the node and the operation.
        ResourceExhausted: the constants are larger than `check_size` allows.
        InvalidArgument: a node is missing.
    """
    nodes = allowed_operations.check(meta_graph, _TRUST_HINT)
    check_size("the graph's constants", sum(_constant_bytes(node) for _, node in nodes.all()), stored)


def _constant_bytes(node: Any) -> int:
    """Returns the size of a constant in memory. The file can store a single value for a large constant."""
    if node.op != "Const":
        return 0
    tensor = node.attr["value"].tensor
    dtype = dtypes.BY_NUMBER.get(tensor.dtype)
    itemsize = dtype.numpy.itemsize if dtype else 8
    return math.prod(max(0, int(dim.size)) for dim in tensor.tensor_shape.dim) * itemsize
