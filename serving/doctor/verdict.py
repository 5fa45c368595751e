"""What is said of a model and a target."""

from __future__ import annotations

from dataclasses import dataclass

TARGETS = {  # as they are called in the tables, and to the reader
    "tensorflow_serving": "TensorFlow Serving",
    "embedded": "embedded server",
    "keras": "Keras 3 without this project",
    "keras2": "Keras 2",
    "tfjs_layers": "TensorFlow.js, layers model",
    "tfjs_graph": "TensorFlow.js, graph model",
    "onnx": "ONNX",
    "openvino": "OpenVINO",
    "dl4j": "DL4J's Keras import",
}


@dataclass(frozen=True)
class Verdict:
    """Whether a target can take a model.

    Attributes:
        target: one of `TARGETS`.
        ok: whether it can.
        layer: the first layer that stops it, such as "layer 'corruption' (keras_gallery>Corruption)"; "" for none.
        reason: why.
        remedy: the change that would mend it.
        others: how many more layers stop it.
    """

    target: str
    ok: bool
    layer: str = ""
    reason: str = ""
    remedy: str = ""
    others: int = 0
