"""Reads layers models of TensorFlow.js.

Such a model is a `model.json`, with a configuration in the format of Keras 2, and files of weights.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import keras

from ...errors import FailedPrecondition
from ...signatures.outputs import check_count, output_names
from ...targets.tfjs import node as tfjs_node
from ..keras.keras_file import build_checked, summary
from ..keras2 import weights as keras2_weights
from ..keras2.repair import is_keras2, repair
from ..reading import config as config_file
from ..reading import kinds
from ..reading.json_text import MAX_BYTES, read_json
from ..reading.result import Arrays, Options, ReadResult, RuntimeFails
from ..reading.vetting import vet
from . import weights_files as tfjs_weights_files
from . import weights_names as tfjs_weights_names
from . import weights_paths as tfjs_weights_paths


def read(path: Path, options: Options) -> ReadResult:
    """Reads a layers model from its model.json or its folder.

    The result has a `reference` if TensorFlow.js is installed in the folder of GALLERY_NODE_MODULES.

    Raises:
        PermissionDenied: the file would run code, or its weights are in another folder.
        FailedPrecondition: the file is a graph model, or a layer has no equivalent in Keras 3.
        InvalidArgument: the file is damaged, or the weights do not fit the layers.
        ResourceExhausted: the layers need more weights than the files have, or the model is too large.
    """
    file = kinds.tfjs_json(path)
    if kinds.recognise(path) == "tfjs_graph":
        raise FailedPrecondition(
            f"Expected a TensorFlow.js layers model. Received: {file}, a graph model, which has no layers (import the "
            "original Keras file or SavedModel)"
        )
    content = read_json(kinds.read_bounded(file, MAX_BYTES), file.name)
    raw, version = config_file.read(path)
    config, changes = repair(raw)
    vet(config, options)
    arrays = tfjs_weights_files.read(file.parent, content.get("weightsManifest"))
    model = build_checked(path, config, options, sum(array.size for array in arrays.values()))
    if tfjs_weights_paths.has_paths(arrays):
        tfjs_weights_paths.load(model, arrays, raw, file, options.folder)
    else:
        tfjs_weights_names.load(model, arrays)
    if is_keras2(raw):
        keras2_weights.adjust(model)
    reference = _in_tensorflow_js(file, model)
    return ReadResult(
        f"layers model of TensorFlow.js, written by {_writer(version)}: {summary(model)}",
        "rebuilt as a Keras 3 model",
        changes,
        model,
        reference=reference,
        reference_name=f"TensorFlow.js {tfjs_node.version()}" if reference else "",
    )


def _writer(version: str) -> str:
    """Names the program that wrote a model: "tfjs-layers 4.22.0", or "Keras 2.12.0" for a converted Keras model."""
    if not version or not version.isprintable():
        return "an unnamed version"
    return f"Keras {version}"[:60] if version[0].isdecimal() else version[:60]


def _in_tensorflow_js(file: Path, model: keras.Model) -> Callable[[Arrays], Arrays] | None:
    """Returns a function that runs the file in TensorFlow.js with the input and output names of `model`.

    Returns None if TensorFlow.js is not installed in the folder of GALLERY_NODE_MODULES. Packages in the working
    directory are not used, because they may come with the untrusted file.
    """
    try:
        tfjs_node.modules(tfjs_node.LAYERS)
    except FailedPrecondition:
        return None
    if not os.environ.get(tfjs_node.VARIABLE):
        return None
    names = output_names(model)

    def run(inputs: Arrays) -> Arrays:
        numbered = {str(at): inputs[tensor.name] for at, tensor in enumerate(model.inputs)}
        try:
            outputs = list(tfjs_node.ask(file, numbered, tfjs_node.LAYERS).values())
        except FailedPrecondition as error:  # TensorFlow.js does not have all layers of Keras 3
            raise RuntimeFails(str(error)) from None
        check_count("the file in TensorFlow.js", outputs, names)
        return dict(zip(names, outputs, strict=True))

    return run
