"""Writes the TensorFlow operations that converters support to `serving/doctor/operations.json`.

    python -m tools.doctor.operations

TensorFlow and tf2onnx have lists of operations. OpenVINO has no list. Therefore this program converts a graph with each
operation, to find out whether OpenVINO has a conversion rule. `tools/tfjs_operations.py` writes the list for
TensorFlow.js.
"""

from __future__ import annotations

import json
import tempfile
from importlib.metadata import version
from pathlib import Path

from keras_gallery.serving import doctor

FILE = Path(doctor.__file__).with_name("operations.json")


def read() -> dict[str, dict[str, str]]:
    """Returns {"versions": {package: version}, "operations": {package: names separated by spaces}}."""
    import tf2onnx.onnx_opset  # registers the handlers
    from tensorflow.core.framework.op_def_pb2 import OpList
    from tensorflow.python.client import pywrap_tf_session as c_api

    known = {each.name for each in OpList.FromString(c_api.TF_GetBuffer(c_api.TF_GetAllOpList())).op}
    handlers = tf2onnx.handler.tf_op.get_opsets().values()
    converted = {name for domain in handlers for each in domain for name in each}
    lists = {"tensorflow": known, "tf2onnx": converted & known, "openvino": set(filter(has_openvino_rule, known))}
    return {
        "versions": {name: version(name) for name in lists},
        "operations": {name: " ".join(sorted(names)) for name, names in lists.items()},
    }


def has_openvino_rule(operation: str) -> bool:
    """Whether OpenVINO has a conversion rule for an operation. Some rules do not cover all uses of the operation."""
    from openvino.frontend import FrontEndManager
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = GraphDef()
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    graph.node.add(name="y", op=operation, input=["x"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "graph.pb")
        file.write_bytes(graph.SerializeToString())
        frontend = FrontEndManager().load_by_framework("tf")
        try:
            frontend.convert(frontend.load(str(file)))
        except Exception as error:  # errors of many classes: the operation lacks attributes and inputs
            return "No conversion rule found" not in str(error) and "unconverted operation" not in str(error)
    return True


if __name__ == "__main__":
    FILE.write_text(json.dumps(read(), indent=1) + "\n", "utf-8")
