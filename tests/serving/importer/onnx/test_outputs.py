"""Tests an ONNX file that lists the same output twice: both outputs stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.saved_model import read_signatures


def test_the_same_output_twice(read: Callable[..., Any], tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 3]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "twice", [x], [y, y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "twice.onnx")
    result = read(tmp_path / "twice.onnx")
    assert list(read_signatures(result.saved_model)["serving_default"].outputs) == ["y", "y_1"]
    assert "output 'y' occurs more than once: renamed to y_1" in result.changes
    if result.reference:
        arrays = result.reference({"x": np.array([[-1, 0, 2]], np.float32)})
        assert {name: array.tolist() for name, array in arrays.items()} == dict.fromkeys(("y", "y_1"), [[0, 0, 2]])
