"""Tests of the list of allowed operations: what a graph may not do, on graphs that are written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from keras_gallery.serving.allowed_operations import allowed, check
from keras_gallery.serving.errors import InvalidArgument, PermissionDenied
from keras_gallery.serving.wire import messages

# An operation of each kind that reads or writes files, runs other code, talks to other processes, waits, or ends the
# process.
UNSAFE = (
    *("ReadFile", "WriteFile", "MatchingFiles", "WholeFileReaderV2", "ReaderReadV2", "LMDBReader"),
    *("ImmutableConst", "FixedUnigramCandidateSampler", "InitializeTableFromTextFileV2", "GenerateVocabRemapping"),
    *("LoadAndRemapMatrix", "DecodeProtoV2", "EncodeProto", "RecordInput", "CreateSummaryFileWriter"),
    *("TFRecordDataset", "TensorSliceDataset", "DatasetFromGraph", "IteratorGetNext", "DataServiceDatasetV4"),
    *("PyFunc", "PyFuncStateless", "EagerPyFunc", "MlirPassthroughOp", "XlaLaunch", "XlaCustomCallV2", "RemoteCall"),
    *("RpcServer", "RpcCall", "CollectiveReduceV2", "NcclAllReduce", "ConfigureDistributedTPU", "XlaSend"),
    *("DebugIdentityV3", "DebugNanCount", "Copy", "CopyHost", "DumpOp", "FIFOQueueV2", "QueueDequeueV2", "Stage"),
    *("MutexV2", "Barrier", "BatchFunction", "Abort", "_Send", "_XlaRun", "OfAnotherLibrary", "", "matmul"),
)
SAFE = ("MatMul", "Conv2D", "While", "If", "Switch", "VarHandleOp", "VariableV2", "HashTableV2", "LookupTableFindV2")


def meta_graph(*nodes: tuple[str, ...], functions: dict[str, list[tuple[str, ...]]] | None = None) -> Any:
    """Returns a `MetaGraphDef` with nodes (name, operation, input…), and with functions of one argument, `a`."""
    graph = messages.SavedModel().meta_graphs.add()
    for name, operation, *inputs in nodes:
        graph.graph_def.node.add(name=name, op=operation, input=inputs)
    for name, body in (functions or {}).items():
        function = graph.graph_def.library.function.add()
        function.signature.name = name
        function.signature.input_arg.add(name="a")
        for inner, operation, *inputs in body:
            function.node_def.add(name=inner, op=operation, input=inputs)
    return graph


def call(graph: Any, node: str, function: str) -> None:
    """Makes a node of the main graph call a function."""
    found = next(each for each in graph.graph_def.node if each.name == node)
    found.attr["f"].func.name = function


def restoring(prefix: str = "filename", operation: str = "RestoreV2") -> Any:
    """Returns a graph with a saver that reads the variables from the file `prefix`."""
    nodes = (("filename", "Placeholder"), ("other", "Const"), ("restore", operation, prefix, "names"))
    graph = meta_graph(*nodes, ("names", "Const"), ("all", "NoOp", "^restore"))
    graph.saver_def.filename_tensor_name, graph.saver_def.restore_op_name = "filename:0", "all"
    return graph


def test_operations_that_only_compute() -> None:
    check(meta_graph(*((name, name) for name in SAFE)))


@pytest.mark.parametrize("operation", UNSAFE)
@pytest.mark.parametrize("place", ["main", "function"])
def test_other_operations_are_refused_by_name(operation: str, place: str) -> None:
    node = ("bad", operation)
    graph = meta_graph(node) if place == "main" else meta_graph(functions={"f": [node]})
    with pytest.raises(PermissionDenied, match=f"node 'bad'.* with operation {operation!r}, which .* compute"):
        check(graph)


def test_the_error_message_ends_with_the_hint() -> None:
    with pytest.raises(PermissionDenied, match=r"compute \(--trust allows it\)$"):
        check(meta_graph(("bad", "ReadFile")), "(--trust allows it)")


def test_a_node_that_runs_a_function_by_its_name() -> None:
    """TensorFlow looks for a function of this name before it looks for an operation."""
    with pytest.raises(PermissionDenied, match="ReadFile"):
        check(meta_graph(("y", "Relu"), functions={"Relu": [("bad", "ReadFile", "a")]}))


def test_print_may_not_write_to_a_file() -> None:
    graph = meta_graph(("print", "PrintV2"))
    graph.graph_def.node[0].attr["output_stream"].s = b"stderr"
    check(graph)
    graph.graph_def.node[0].attr["output_stream"].s = b"file:///nowhere/printed"
    with pytest.raises(PermissionDenied, match="'PrintV2', which writes to a file"):
        check(graph)


@pytest.mark.parametrize(
    "graph",
    [
        meta_graph(("x", "Relu"), ("x", "ReadFile")),
        meta_graph(functions={"f": [("x", "Relu"), ("x", "ReadFile")]}),
        meta_graph(("x", "ReadFile"), functions={"": [("x", "Relu")]}),
    ],
)
def test_a_second_node_or_function_of_the_same_name(graph: Any) -> None:
    with pytest.raises(InvalidArgument, match="Damaged graph: duplicate"):
        check(graph)


# === Savers ===


def test_a_saver_reads_the_variables() -> None:
    check(restoring())


def test_a_saver_of_tensorflow_2_reads_the_variables_in_a_function() -> None:
    graph = restoring_in_function("filename")
    check(graph)


def restoring_in_function(argument: str) -> Any:
    nodes = (("filename", "Placeholder"), ("other", "Const"), ("all", "StatefulPartitionedCall", argument))
    graph = meta_graph(*nodes, functions={"f": [("same", "Identity", "a"), ("restore", "RestoreV2", "same:output:0")]})
    call(graph, "all", "f")
    graph.saver_def.filename_tensor_name, graph.saver_def.restore_op_name = "filename:0", "all"
    return graph


@pytest.mark.parametrize(
    "graph", [restoring("other"), restoring("other:0", "RestoreSlice"), restoring_in_function("other")]
)
def test_a_saver_may_not_read_other_files(graph: Any) -> None:
    with pytest.raises(PermissionDenied, match="reads other files than the variables"):
        check(graph)


def add_signature(graph: Any) -> None:
    graph.signature_def["serving_default"].outputs["y"].name = "restore:0"


def add_sparse_signature(graph: Any) -> None:
    """A sparse output stores the names of its three tensors in other fields than a dense output."""
    graph.signature_def["serving_default"].outputs["y"].coo_sparse.values_tensor_name = "restore:0"


def add_initializer(graph: Any) -> None:
    graph.collection_def["saved_model_main_op"].node_list.value.append("restore")


@pytest.mark.parametrize("add", [add_signature, add_sparse_signature, add_initializer])
def test_only_a_saver_may_read_variables(add: Callable[[Any], None]) -> None:
    graph = restoring()
    add(graph)
    with pytest.raises(PermissionDenied, match="'RestoreV2', which reads or writes files, used by '.*', which is not"):
        check(graph)


def test_a_function_of_the_model_may_not_read_variables() -> None:
    graph = meta_graph(functions={"f": [("restore", "RestoreV2", "a", "a", "a")]})
    graph.object_graph_def.concrete_functions["f"].SetInParent()
    with pytest.raises(PermissionDenied, match="used by 'f', which is not a saver"):
        check(graph)


@pytest.mark.parametrize("operation", ["SaveV2", "Save", "SaveSlices", "MergeV2Checkpoints"])
def test_a_restore_operation_may_not_save(operation: str) -> None:
    """Loading a graph runs the operation that the graph declares as its restore operation."""
    with pytest.raises(PermissionDenied, match=f"{operation}', which reads or writes files, used for restoring"):
        check(restoring(operation=operation))


def test_the_list_has_no_operation_of_a_saver() -> None:
    assert not {name for name in allowed() if name.startswith(("Save", "Restore", "Merge")) and "Checkpoint" in name}
    assert not {"SaveV2", "RestoreV2", "Save", "Restore", "ShardedFilename"} & allowed()
