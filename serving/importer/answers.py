"""Writes TensorFlow's responses to the warm-up requests of a version, for the comparison with the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from .. import saved_model
from ..core import warmup
from ..engines.graph import Graph
from ..export.random_outputs import RUNS, draws_random_numbers
from ..wire import predict


def write(version: Path, loaded: Any, folder: Path) -> None:
    """Runs the warm-up requests in TensorFlow, and writes each PredictResponse to a file.

    If a signature draws random numbers, its request runs several times, so that the outputs can be compared.

    Args:
        version: folder of the version.
        loaded: the SavedModel that TensorFlow has loaded from `version`.
        folder: the new folder for the responses.
    """
    graph, signatures = Graph(saved_model.read_meta_graph(version).graph_def), saved_model.read_signatures(version)
    folder.mkdir()
    for number, record in enumerate(warmup.read(version)):
        spec = record.request.spec
        inputs = {key: tf.constant(value) for key, value in record.request.inputs.items()}
        runs = RUNS if draws_random_numbers(graph.nodes_of(signatures[spec.signature])) else 1
        for run in range(runs):
            outputs = {key: value.numpy() for key, value in loaded.signatures[spec.signature](**inputs).items()}
            file = folder / (f"{number}.{run}.pb" if run else f"{number}.pb")
            file.write_bytes(predict.encode_response(spec, outputs))
