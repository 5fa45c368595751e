"""Writes a SavedModel and its OpenVINO file without TensorFlow. The model computes y = 2x + 1 for rows of 8 numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras_gallery.serving import saved_model
from keras_gallery.serving.engines.openvino.files import FOLDER, Entry, Index
from keras_gallery.serving.wire import messages, tensor

FLOAT = 1  # DT_FLOAT


def write(folder: Path, slope: float = 2.0) -> None:
    """Writes a version of the model that computes y = slope · x + 1."""
    graph = messages.MetaGraphDef()
    graph.meta_info_def.tags.append("serve")
    graph.meta_info_def.tensorflow_version = "2.21.0"
    _node(graph, "x", "Placeholder").attr["dtype"].type = FLOAT
    for name, value in (("a", slope), ("b", 1.0)):
        constant = _node(graph, name, "Const")
        constant.attr["dtype"].type = FLOAT
        constant.attr["value"].tensor.CopyFrom(tensor.from_array(np.array(value, np.float32)))
    _node(graph, "ax", "Mul", "a", "x").attr["T"].type = FLOAT
    _node(graph, "y", "AddV2", "ax", "b").attr["T"].type = FLOAT
    signature = graph.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    for side, name in ((signature.inputs, "x"), (signature.outputs, "y")):
        side[name].name, side[name].dtype = f"{name}:0", FLOAT
        for size in (-1, 8):
            side[name].tensor_shape.dim.add(size=size)
    saved = messages.SavedModel(saved_model_schema_version=1, meta_graphs=[graph])
    (folder / FOLDER).mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    _write_openvino(folder, slope)


def _node(graph: messages.MetaGraphDef, name: str, operation: str, *inputs: str) -> messages.NodeDef:
    return graph.graph_def.node.add(name=name, op=operation, input=inputs)


def _write_openvino(folder: Path, slope: float) -> None:
    import openvino
    from openvino import opset13

    x = opset13.parameter([-1, 8], np.float32)
    y = opset13.add(opset13.multiply(x, np.float32(slope)), np.float32(1))
    x.output(0).get_tensor().set_names({"in0"})
    y.output(0).get_tensor().set_names({"out0"})
    file = folder / FOLDER / "line.xml"
    openvino.save_model(openvino.Model([y], [x]), file, compress_to_fp16=False)
    entry = Entry(str(file), limit=1e30)
    Index(saved_model.fingerprint(folder), {"serving_default": entry}).write(folder / FOLDER)
