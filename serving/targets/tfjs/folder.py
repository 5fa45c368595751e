"""Exports a signature to the folder of a TensorFlow.js graph model: `model.json` and weight files of at most 4 MB.

const model = await tf.loadGraphModel("model.json");
const {reconstruction} = await model.executeAsync({image});   // or predict(), if the model has no loops
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from ...signatures import Endpoint
from ...wire.dtypes import DATA_TYPES
from . import node as tfjs_node
from .graph import freeze
from .weights import Arrays, encode

SUFFIX, WHOLE = "", False
MODEL = "model.json"
_SHARD = 4 << 20  # bytes; browsers cache files of this size


def runtime(place: Path) -> str:
    """Returns the version of TensorFlow.js in the npm packages."""
    return f"TensorFlow.js {tfjs_node.version()}"


def write(model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Writes the folder `place`. Returns a note on each change to the model.

    Raises FailedPrecondition if TensorFlow.js lacks an operation. The message names the layer.
    """
    graph = freeze(model, endpoint)
    specs, data = encode(graph.constants)
    shards = [data[start : start + _SHARD] for start in range(0, len(data), _SHARD)]
    names = [f"group1-shard{number}of{len(shards)}.bin" for number in range(1, len(shards) + 1)]
    described = {
        "format": "graph-model",
        "generatedBy": f"TensorFlow {tf.__version__}",
        "convertedBy": "Keras Gallery",
        "signature": graph.signature,
        "userDefinedMetadata": {"structuredOutputKeys": list(graph.signature["outputs"])},
        "modelTopology": graph.definition,
        "weightsManifest": [{"paths": names, "weights": specs}],
    }
    place.mkdir()
    for name, shard in zip(names, shards, strict=True):
        Path(place, name).write_bytes(shard)
    Path(place, MODEL).write_text(json.dumps(described, separators=(",", ":")), "utf-8")
    return graph.notes


def runner(place: Path, endpoint: Endpoint) -> Callable[[Arrays], Arrays]:
    """Returns a function that runs the model with TensorFlow.js in Node, on the CPU.

    Raises FailedPrecondition if Node or TensorFlow.js is not installed.
    """
    tfjs_node.modules(tfjs_node.GRAPH)
    outputs = json.loads(Path(place, MODEL).read_text("utf-8"))["signature"]["outputs"]
    dtypes = {row.enum: row.numpy for row in DATA_TYPES}

    def run(inputs: Arrays) -> Arrays:
        results = tfjs_node.ask(place / MODEL, inputs, tfjs_node.GRAPH)
        return {name: array.astype(dtypes[outputs[name]["dtype"]]) for name, array in results.items()}

    return run
