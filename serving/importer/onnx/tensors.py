"""The weights of an ONNX model; those in files beside it are taken in, if they are as large as declared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...errors import InvalidArgument
from ..reading.companion_files import companion_file

_EXTERNAL = onnx.TensorProto.EXTERNAL


def take_in(model: Any, folder: Path) -> None:
    """Puts the data of files beside the model's into the model, which then refers to no file.

    Raises:
        PermissionDenied: a file is not in the folder itself.
        InvalidArgument: a file is missing or too short, or holds what has no fixed size.
    """
    for tensor in _tensors(model.graph):
        if tensor.data_location == _EXTERNAL or tensor.external_data:
            tensor.raw_data = _data(tensor, folder)
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")


def arrays(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The model's initializers by name. Raises InvalidArgument where one holds more or less than its shape says."""
    try:
        return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"Expected weights of the shapes that they declare. Received: {error}") from None


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
    given = {each.key: each.value for each in tensor.external_data}
    file = companion_file(folder, given.get("location", ""))
    try:
        wanted = math.prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        start = int(given.get("offset", 0))
        length = int(given.get("length", wanted))
    except (KeyError, TypeError, ValueError):
        raise InvalidArgument(
            f"Expected a tensor in {file.name}. Received: {str(tensor.external_data)!r:.200}"
        ) from None
    if not 0 <= start <= start + wanted <= file.stat().st_size or length != wanted or min(tensor.dims, default=0) < 0:
        raise InvalidArgument(f"Expected {wanted:,} bytes of {tensor.name!r} in {file.name}. Received: {length:,}")
    with open(file, "rb") as opened:
        opened.seek(start)
        return opened.read(wanted)
