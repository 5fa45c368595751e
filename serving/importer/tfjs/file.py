"""Layers models of TensorFlow.js: a `model.json` in the terms of Keras 2, and files of weights beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import keras

from ...errors import FailedPrecondition
from ...targets.tfjs import node as tfjs_node
from ..keras.keras_file import build_justified, outline
from ..keras2 import weights as keras2_weights
from ..keras2.repair import is_keras2, repair
from ..reading import config as config_file
from ..reading import kinds
from ..reading.result import Arrays, ReadResult, Options
from ..reading.json_text import MAX_BYTES, read_json
from ..reading.vetting import vet
from . import weights_files as tfjs_weights_files
from . import weights_names as tfjs_weights_names


def read(path: Path, options: Options) -> ReadResult:
    """The model of a model.json, or of its folder; `old` answers in TensorFlow.js where that is installed.

    Raises:
        PermissionDenied: it would run code, or its weights are elsewhere.
        FailedPrecondition: it is a graph model, or has a layer that nothing in Keras 3 takes the place of.
        InvalidArgument: it is damaged, or its weights are not those of its layers.
        ResourceExhausted: it asks for more than it holds, or than there is.
    """
    file = kinds.tfjs_json(path)
    if kinds.recognise(path) == "tfjs_graph":
        raise FailedPrecondition(
            f"Expected a layers model of TensorFlow.js. Received: {file}, a graph model, whose layers are gone (import "
            "the Keras file or the SavedModel that it was made of)"
        )
    described = read_json(kinds.read_bounded(file, MAX_BYTES), file.name)
    raw, version = config_file.read(path)
    config, changes = repair(raw)
    vet(config, options)
    arrays = tfjs_weights_files.read(file.parent, described.get("weightsManifest"))
    model = build_justified(path, config, options, sum(array.size for array in arrays.values()))
    tfjs_weights_names.load(model, arrays)
    if is_keras2(raw):
        keras2_weights.mend(model)
    old = _in_tensorflow_js(file, model)
    return ReadResult(
        f"layers model of TensorFlow.js, written by {_writer(version)}: {outline(model)}",
        "rebuilt as a Keras 3 model",
        changes,
        model,
        reference=old,
        reference_name=f"TensorFlow.js {tfjs_node.version()}" if old else "",
    )


def _writer(version: str) -> str:
    """Such as "tfjs-layers 4.22.0", or "Keras 2.12.0" where TensorFlow.js's converter wrote the file."""
    if not version or not version.isprintable():
        return "an unnamed version"
    return f"Keras {version}"[:60] if version[0].isdecimal() else version[:60]


def _in_tensorflow_js(file: Path, model: keras.Model) -> Callable[[Arrays], Arrays] | None:
    """What the file answers in TensorFlow.js itself, by the model's names of inputs and outputs.

    None where that is not installed. The working directory's packages don't count: they may have come with the file.
    """
    try:
        tfjs_node.modules(tfjs_node.LAYERS)
    except FailedPrecondition:
        return None
    if not os.environ.get(tfjs_node.VARIABLE):
        return None
    names = [output._keras_history.operation.name for output in model.outputs]

    def answer(inputs: Arrays) -> Arrays:
        given = {str(at): inputs[tensor.name] for at, tensor in enumerate(model.inputs)}
        return dict(zip(names, tfjs_node.ask(file, given, tfjs_node.LAYERS).values(), strict=True))

    return answer
