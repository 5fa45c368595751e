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
        return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"The data of a weight does not fit its shape: {cause(error)}") from None


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
