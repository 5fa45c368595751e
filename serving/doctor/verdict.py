"""Defines the verdict on a model for a target, and the names of the targets."""

from __future__ import annotations

from dataclasses import dataclass

TARGETS = {  # name in the tables → name for the user
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
    """Whether a target can run a model.

    Attributes:
        target: a key of `TARGETS`.
        ok: whether the target can run the model.
        layer: the first layer that the target cannot run, with the options that prevent this, or "". For example:
            "layer 'corruption' (keras_gallery>Corruption)", "layer 'gru' (GRU) with recurrent_dropout=0.2".
        reason: why the target cannot run the layer or the model.
        remedy: what to change, so that the target can run the model.
        others: number of other layers that the target cannot run.
        classes: if the target can run the model as soon as it gets the user's own classes: their names.
    """

    target: str
    ok: bool
    layer: str = ""
    reason: str = ""
    remedy: str = ""
    others: int = 0
    classes: tuple[str, ...] = ()
