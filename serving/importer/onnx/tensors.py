"""Reads the weights of an ONNX model, including weights in external files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...errors import InvalidArgument
from ..reading.causes import cause
from ..reading.companion_files import companion_file
from ..reading.precision import BFLOAT16, FLOAT16, QUANTIZED

_PRECISIONS = {onnx.TensorProto.FLOAT16: FLOAT16, onnx.TensorProto.BFLOAT16: BFLOAT16}
_WIDER = {"int4": np.int8, "uint4": np.uint8, "int2": np.int8, "uint2": np.uint8}  # TensorFlow cannot cast the former
_QUANTIZING = {
    *("QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
}
_EXTERNAL = onnx.TensorProto.EXTERNAL


def embed_external_data(model: Any, folder: Path) -> None:
    """Copies the data of external files into the model. Afterwards, the model does not refer to other files.

    Raises:
        PermissionDenied: a file is not in the folder, or is a link or a device.
        InvalidArgument: a file is missing or too short, or a tensor's dtype has no fixed size.
    """
    for tensor in _tensors(model.graph):
        if tensor.data_location == _EXTERNAL or tensor.external_data:
            tensor.raw_data = _data(tensor, folder)
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")


def arrays(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Returns the weights by name. Raises InvalidArgument if the data of a weight does not fit its shape."""
    try:
        values = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"The data of a weight does not fit its shape: {cause(error)}") from None
    others = {name for node in model.graph.node if node.op_type != "DequantizeLinear" for name in node.input}
    return {
        name: value.astype(_WIDER[value.dtype.name]) if value.dtype.name in _WIDER and name not in others else value
        for name, value in values.items()
    }


def precisions(model: Any) -> set[str]:
    """Returns the precisions of the numbers in a model: keys of `precision.TOLERANCES`."""
    types = {each.data_type for each in _tensors(model.graph)} | set(_declared(model.graph))
    found = {precision for number, precision in _PRECISIONS.items() if number in types}
    return found | ({QUANTIZED} if any(node.op_type in _QUANTIZING for node in model.graph.node) else set())


def is_quantized(model: Any) -> bool:
    """Whether a model has integers that stand for floats."""
    return any(node.op_type in (*_QUANTIZING, "DequantizeLinear") for node in model.graph.node)


def output_step(model: Any) -> float:
    """Returns the largest distance between two neighbouring values of an output that is rounded, or 0."""
    producers = {name: node for node in model.graph.node for name in node.output}
    values = arrays(model)
    last = [producers[each.name] for each in model.graph.output if each.name in producers]
    scales = [values[node.input[1]] for node in last if node.op_type == "DequantizeLinear" and node.input[1] in values]
    return max((float(np.abs(scale).max(initial=0)) for scale in scales), default=0.0)


def _declared(graph: Any) -> Iterator[int]:
    """Yields the types of inputs, outputs and intermediate results, and the types that Cast nodes convert to."""
    yield from (each.type.tensor_type.elem_type for each in (*graph.input, *graph.output, *graph.value_info))
    yield from (each.i for node in graph.node if node.op_type == "Cast" for each in node.attribute if each.name == "to")


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _tensors(inner)


def _data(tensor: Any, folder: Path) -> bytes:
    fields = {each.key: each.value for each in tensor.external_data}
    file = companion_file(folder, fields.get("location", ""))
    try:
        size = math.prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        start = int(fields.get("offset", 0))
        length = int(fields.get("length", size))
    except (KeyError, TypeError, ValueError):
        raise InvalidArgument(
            f"Malformed reference to a tensor in {file.name}: {str(tensor.external_data)!r:.200}"
        ) from None
    if not 0 <= start <= start + size <= file.stat().st_size or length != size or min(tensor.dims, default=0) < 0:
        raise InvalidArgument(
            f"Expected {size:,} bytes of {tensor.name!r} in {file.name}. "
            f"Received: {length:,} bytes from offset {start:,} on"
        )
    with open(file, "rb") as opened:
        opened.seek(start)
        return opened.read(size)
