"""Checks that a TensorFlow graph only computes. Some operations read or write files, or run code."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ...errors import InvalidArgument, PermissionDenied
from ...wire import dtypes
from ..reading.bounds import check_size

# Forbidden operations: pattern of the name → reason for the error message.
_REFUSED = {
    "File": "which reads or writes files",
    "Reader": "which reads files",
    "Dataset": "which can read files",
    "PyFunc": "which runs Python",
    "Debug|Dump|^Copy(Host)?$": "which writes its input to a path that the graph chooses",
    "Proto": "which can read files",
    "VocabRemapping": "which reads files",
    "Rpc|Send|Recv|Host|T[pP][uU]": "which talks to other processes or devices",
}
# Stateful operations without effects outside of the model. All other stateful operations are refused.
_ALLOWED = re.compile(
    """
    VarHandleOp | VarIsInitializedOp | ReadVariableOp | Assign(Add|Sub)?VariableOp | Variable(V2|Shape)?
    | TemporaryVariable | DestroyResourceOp | DisableCopyOnRead
    | Resource(Gather|Scatter|Apply|SparseApply|StridedSliceAssign|CountUpTo).*
    | If | While | Case | StatefulPartitionedCall | XlaCallModule | Assert | Print(V2)? | CheckNumerics(V2)?
    | GuaranteeConst | DeviceIndex | Empty | IsTensorFloat32Enabled
    | Random(Uniform|UniformInt|StandardNormal|Gamma|Poisson|PoissonV2|Shuffle|Crop) | (Parameterized)?TruncatedNormal
    | Multinomial | Stateful(Uniform|StandardNormal|TruncatedNormal|RandomBinomial).* | Rng(Skip|ReadAndSkip)
    | StatelessRandomGetAlg | NonDeterministicInts | SampleDistortedBoundingBox(V2)? | .*CandidateSampler
    | (Anonymous)?(Mutable)?(Dense)?HashTable(OfTensors)?(V2)? | InitializeTable(V2)?
    | LookupTable(Find|Export|Import|Insert|Remove|Size)(V2)? | TensorArray.* | Stack(Push|Pop|Close)?(V2)?
    | CudnnRNN.*
    """,
    re.VERBOSE,
)
# Operations of a saver. Only a saver may use them, because a signature could read or write any file with them.
_SAVER = frozenset(
    "SaveV2 RestoreV2 MergeV2Checkpoints ShardedFilename ShardedFilespec Save SaveSlices Restore RestoreSlice".split()
)
_WRITING = frozenset("SaveV2 MergeV2Checkpoints Save SaveSlices".split())
_TRUST_HINT = "(--trust allows it)"


def check_graph(meta_graph: Any, stored: int) -> None:
    """Raises PermissionDenied if a graph has an operation that does more than compute.

    Args:
        meta_graph: a `MetaGraphDef`.
        stored: size of the graph's file in bytes.

    Raises:
        PermissionDenied: an operation is not allowed. The message names the node, the operation and the reason.
        ResourceExhausted: the constants are larger than `check_size` allows.
        InvalidArgument: a node is missing.
    """
    graph = _Graph(meta_graph.graph_def)
    constants = 0
    for where, node in graph.all_nodes():
        _check_node(where, node)
        constants += _constant_bytes(node)
    check_size("the graph's constants", constants, stored)
    for what, used in _uses(meta_graph, graph):
        saver = meta_graph.saver_def
        forbidden = _WRITING if what == saver.restore_op_name else _SAVER
        for where, node in used:
            if node.op in forbidden:
                raise _denied(where, node, f"which reads or writes files, used by {what!r}, which is not a saver")


def _uses(meta_graph: Any, graph: _Graph) -> Iterator[tuple[str, Iterable[tuple[str, Any]]]]:
    """Yields (name, nodes) for each entry point: signatures, initializers, functions and the restore operation."""
    for name, signature in meta_graph.signature_def.items():
        yield name, graph.reach(name for info in signature.outputs.values() for name in _tensors(info))
    for key in ("saved_model_main_op", "legacy_init_op"):
        if key in meta_graph.collection_def:
            yield key, graph.reach(meta_graph.collection_def[key].node_list.value)
    for name in meta_graph.object_graph_def.concrete_functions:
        yield name, graph.reach([], [name])
    if name := meta_graph.saver_def.restore_op_name:
        yield name, graph.reach([name])


def _tensors(info: Any) -> list[str]:
    """Returns the names of the tensors of a signature's output. A sparse output has three tensors."""
    sparse = info.coo_sparse
    parts = [sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name]
    return [info.name, *parts, *(name for part in info.composite_tensor.components for name in _tensors(part))]


class _Graph:
    """The nodes of a graph and of its functions.

    Args:
        graph: a `GraphDef`.
    """

    def __init__(self, graph: Any) -> None:
        self._main = {node.name: node for node in graph.node}
        self._functions = {each.signature.name: each.node_def for each in graph.library.function}

    def all_nodes(self) -> Iterator[tuple[str, Any]]:
        """Yields (location, node) for every node. The location names the function, or is "" in the main graph."""
        for node in self._main.values():
            yield "", node
        for name, nodes in self._functions.items():
            for node in nodes:
                yield f" of function {name!r:.100}", node

    def reach(self, fetches: Iterable[str], functions: Iterable[str] = ()) -> Iterator[tuple[str, Any]]:
        """Yields (location, node) for the nodes that `fetches` need, and for all nodes of the called functions."""
        pending = [name.lstrip("^").partition(":")[0] for name in fetches]
        called = list(functions)
        seen: set[str] = set()
        while pending:
            name = pending.pop()
            if name in seen or not name:
                continue
            seen.add(name)
            if name not in self._main:
                raise InvalidArgument(f"Damaged graph: node {name!r:.100} is missing")
            node = self._main[name]
            yield "", node
            pending += [each.lstrip("^").partition(":")[0] for each in node.input]
            called += _called(node)
        seen = set()
        while called:
            name = called.pop()
            if name in seen:
                continue
            seen.add(name)
            for node in self._functions.get(name, ()):
                yield f" of function {name!r:.100}", node
                called += _called(node)


def _called(node: Any) -> list[str]:
    """Returns the names of the functions that a node can call."""
    functions = []
    for value in node.attr.values():
        functions += [value.func.name] if value.HasField("func") else [each.name for each in value.list.func]
    # The operation of a node can be the name of a function.
    return [*functions, node.op]


def _check_node(where: str, node: Any) -> None:
    from tensorflow.python.framework import op_def_registry

    if node.op in _SAVER:
        return
    known = op_def_registry.get(node.op)
    if known is None or node.op.startswith("_"):
        raise _denied(where, node, "which is not an operation of TensorFlow")
    if known.is_stateful:
        if not _ALLOWED.fullmatch(node.op):
            why = next(
                (why for name, why in _REFUSED.items() if re.search(name, node.op)),
                "which has effects outside of the model",
            )
            raise _denied(where, node, why)
        if node.op == "PrintV2" and node.attr["output_stream"].s not in (b"", b"stderr", b"stdout"):
            raise _denied(where, node, "which writes to a file")
        return
    for name, why in _REFUSED.items():
        if re.search(name, node.op):
            raise _denied(where, node, why)


def _constant_bytes(node: Any) -> int:
    """Returns the size of a constant in memory. The file can store a single value for a large constant."""
    if node.op != "Const":
        return 0
    tensor = node.attr["value"].tensor
    dtype = dtypes.BY_NUMBER.get(tensor.dtype)
    itemsize = dtype.numpy.itemsize if dtype else 8
    return math.prod(max(0, int(dim.size)) for dim in tensor.tensor_shape.dim) * itemsize


def _denied(where: str, node: Any, why: str) -> PermissionDenied:
    return PermissionDenied(
        f"Unsafe graph refused: node {node.name!r:.100}{where} with operation {node.op}, {why} {_TRUST_HINT}"
    )
