"""Decides which signatures are converted for OpenVINO: signatures that use only the operations listed here.

For the listed operations, OpenVINO and TensorFlow compute the same results for all inputs that OpenVINO accepts.
TensorFlow runs signatures with other operations: strings, look-up tables, random numbers, assertions, writes, branches,
and operations whose result differs for some inputs only (the order of equal values, rounding to integers, indices out
of range, half-precision floats). Loops are allowed here. The conversion later rejects loops that are not recurrent
layers (see `recurrent`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...wire import dtypes
from ...wire.signature import SignatureDef
from ..graph import Graph, writes_variable

_STRUCTURE = frozenset(
    "BatchToSpaceND BroadcastTo Cast ConcatV2 Const DepthToSpace ExpandDims Fill Identity IdentityN MirrorPad NoOp "
    "OnesLike Pack Pad PadV2 PartitionedCall Placeholder PreventGradient Range Rank ReadVariableOp Reshape ReverseV2 "
    "Shape ShapeN Size Slice SpaceToBatchND SpaceToDepth Split SplitV Squeeze StatefulPartitionedCall StopGradient "
    "StridedSlice Tile Transpose Unpack VarHandleOp Variable VariableV2 ZerosLike".split()
)
_ARITHMETIC = frozenset(
    # elementwise
    "Abs Add AddN AddV2 BiasAdd ClipByValue Cos Elu Equal Erf Erfc Exp Greater GreaterEqual Inv LeakyRelu Less "
    "LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mul Neg NotEqual Pow RealDiv Reciprocal Relu "
    "Relu6 Rsqrt Select SelectV2 Selu Sigmoid Sign Sin Softplus Softsign Sqrt Square SquaredDifference Sub Tanh "
    # reductions and products
    "All Any BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum LogSoftmax MatMul Max Mean Min Prod Softmax Sum "
    # images
    "AvgPool AvgPool3D Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 DepthwiseConv2dNative FusedBatchNorm "
    "FusedBatchNormV2 FusedBatchNormV3 MaxPool MaxPool3D ResizeBilinear ResizeNearestNeighbor".split()
)
# Operations of the loops of recurrent layers. The conversion rejects other loops.
_LOOPS = frozenset(
    "StatelessWhile TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem TensorListStack "
    "While".split()
)
# Allowed only if the signature has no integer input. Otherwise a request could contain a zero divisor or an index out
# of range. Signatures with integer inputs must not use integer arithmetic either: on overflow, OpenVINO does not wrap
# as TensorFlow does.
_ON_SHAPES = frozenset("FloorDiv FloorMod Gather GatherNd GatherV2 OneHot ResourceGather".split())
# Operations whose output can have any size, with the positions of the inputs that decide the size. Allowed only if the
# signature has no integer input, or if these inputs are constants. Otherwise a small request could take all memory.
_SIZED = {
    "BroadcastTo": (1,), "Fill": (0,), "MirrorPad": (1,), "Pad": (1,), "PadV2": (1,), "Range": (0, 1, 2),
    "ResizeBilinear": (1,), "ResizeNearestNeighbor": (1,), "SpaceToBatchND": (1, 2), "Tile": (1,),
}  # fmt: skip
_FLOATING = {1}
_INTEGERS = {3, 4, 5, 6, 9, 17}  # int32, uint8, int16, int8, int64, uint16
_BOOL, _RESOURCE, _VARIANT, _STRING = 10, 20, 21, 7
_DTYPES = _FLOATING | _INTEGERS | {_BOOL, _RESOURCE}


def reasons_against(
    meta_graph: Any, signatures: Mapping[str, SignatureDef], checked: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, str | None]:
    """Returns for each signature the reason why OpenVINO must not run the signature, or None if there is no reason.

    Args:
        meta_graph: the graph.
        signatures: the signatures.
        checked: by signature: the integer inputs whose values are valid indices, because they are checked before.
    """
    checked = checked or {}
    graph = Graph(meta_graph.graph_def)
    nodes = {name: list(graph.nodes_of(signature)) for name, signature in signatures.items()}
    written = {name for each in nodes.values() if any(map(writes_variable, each)) for name in _variables(each)}
    return {
        name: _reason_against(each, nodes[name], written, checked.get(name, {})) for name, each in signatures.items()
    }


def _reason_against(
    signature: SignatureDef, nodes: Sequence[Any], written: set[str], checked: Collection[str]
) -> str | None:
    specs = [*signature.inputs.values(), *signature.outputs.values()]
    if not signature.outputs or not all(spec.tensor for spec in specs):
        return "inputs or outputs that are not plain tensors"
    if any(spec.shape is None for spec in signature.inputs.values()):
        return "unknown rank"
    for spec in specs:
        if reason := _reason_against_dtype(spec.dtype.number):
            return reason
    integers = {name for name, spec in signature.inputs.items() if spec.dtype.number in _INTEGERS}
    has_integer_inputs = not integers.issubset(checked)
    others = {node.name for node in nodes if node.op != "Const"}
    constants = {node.name for node in nodes if node.op == "Const"} - others
    for node in nodes:
        if reason := _reason_against_node(node, has_integer_inputs):
            return reason
        sizes = [node.input[at].split(":")[0] for at in _SIZED.get(node.op, ())]
        if has_integer_inputs and not constants.issuperset(sizes):
            return f"operation {node.op} of a size that the inputs may decide"
    return "variables that another signature writes" if written.intersection(_variables(nodes)) else None


def _reason_against_node(node: Any, has_integer_inputs: bool) -> str | None:
    for attribute in node.attr.values():
        for number in (attribute.type, *attribute.list.type):
            number %= 100  # dtypes above 100 are references
            # A variant is a list of tensors.
            if number not in (0, _VARIANT) and (reason := _reason_against_dtype(number)):
                return reason
    if node.op not in _STRUCTURE | _ARITHMETIC | _LOOPS and (has_integer_inputs or node.op not in _ON_SHAPES):
        return f"operation {node.op}"
    if has_integer_inputs and node.op in _ARITHMETIC and node.attr["T"].type in _INTEGERS:
        return "integer arithmetic"
    if node.op == "Cast" and node.attr["SrcT"].type in _FLOATING and node.attr["DstT"].type in _INTEGERS:
        return "rounding to integers"
    return None


def _reason_against_dtype(number: int) -> str | None:
    if number == _STRING:
        return "strings"
    if number in _DTYPES:
        return None
    row = dtypes.BY_NUMBER.get(number)
    return f"dtype {row.name if row else number}"


def _variables(nodes: Sequence[Any]) -> set[str]:
    operations = ("VarHandleOp", "Variable", "VariableV2")
    return {node.attr["shared_name"].s.decode() or node.name for node in nodes if node.op in operations}
