"""Reads SavedModels. Rebuilds the layers if Keras 2 recorded them. Otherwise, the graph is served unchanged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ... import saved_model
from ...doctor.graphs import written_state
from ...errors import FailedPrecondition, InvalidArgument, ServingError
from ...export.random_outputs import compare
from ...signatures.find import plain
from ...signatures.outputs import output_names
from ...wire.signature import DEFAULT_SIGNATURE
from ..keras.keras_file import keras_errors, made_by, summary
from ..reading.result import Arrays, Options, ReadResult
from .copy import GRAPH, KERAS_METADATA, copy, read_graphs
from .keras2 import Metadata, read_metadata, rebuild
from .operations import check_graph
from .unused import remove_unused

BATCHES = (1, 7)
TOLERANCE = 1e-5
GRAPH_ONLY = (
    "served unchanged: a graph without layers, which cannot be split or trained (keras.layers.TFSMLayer wraps a "
    "signature for inference)"
)


def read(path: Path, options: Options) -> ReadResult:
    """Reads a SavedModel of TensorFlow 1 or 2, or of Keras 2 or 3.

    The result has a `model` if Keras 2 wrote the SavedModel and the rebuilt layers compute the same values as the
    graph. Otherwise, the result has a `saved_model`, which is a copy of the folder.

    Raises:
        PermissionDenied: the graph has a forbidden operation (see `operations.py`), or the folder contains links.
        FailedPrecondition: there is no signature.
        InvalidArgument: the SavedModel is damaged, or has no graph for serving.
        ResourceExhausted: the SavedModel is too large.
    """
    folder = copy(path, options.folder / "saved_model")
    message, removed = read_graphs(folder), []
    graphs = message.meta_graphs
    if not options.trust:
        size = (folder / GRAPH).stat().st_size
        for each in graphs:
            removed += remove_unused(each)
            check_graph(each, size)
        if removed:
            (folder / GRAPH).write_bytes(message.SerializeToString())
    serving = next((each for each in graphs if set(each.meta_info_def.tags) == {"serve"}), None)
    if serving is None:
        tags = "; ".join(", ".join(each.meta_info_def.tags) for each in graphs)
        raise InvalidArgument(
            f"Expected a graph with the tag serve in the SavedModel. Received: graphs with the tags {tags}"
        )
    signatures = saved_model.signatures_of(serving)
    if state := written_state(serving):
        raise FailedPrecondition("The model keeps a state: {} ({})".format(*state))
    metadata = read_metadata(folder, serving)
    (folder / KERAS_METADATA).unlink(missing_ok=True)
    what = f"SavedModel of {_made_by(serving, metadata)}"
    if metadata is None:
        return _as_graph(what, folder, signatures, removed)
    try:
        with keras_errors(folder, "rebuilt"):
            return _as_layers(what, folder, metadata, options)
    except ServingError as error:
        return _as_graph(what, folder, signatures, [f"not rebuilt as layers: {error}", *removed])


def _made_by(serving: Any, metadata: Metadata | None) -> str:
    version = ".".join(serving.meta_info_def.tensorflow_version.split(".")[:2])
    if metadata is not None:
        return made_by(metadata.version)
    nodes = serving.object_graph_def.nodes
    if not nodes:
        return f"TensorFlow {version}, in TensorFlow 1 format"
    if "_misc_assets" in {child.local_name for child in nodes[0].children}:
        return f"Keras 3 (TensorFlow {version})"
    return f"TensorFlow {version}"


def _as_graph(what: str, folder: Path, signatures: dict[str, Any], changes: list[str]) -> ReadResult:
    if not signatures:
        raise FailedPrecondition(
            f"The {what} has no signature, so no request can run it: save it again with "
            "tf.saved_model.save(model, folder, signatures=...), or in Keras 3 with model.export(folder)"
        )
    names = ", ".join(sorted(signatures))
    return ReadResult(f"{what}: {names}", GRAPH_ONLY, changes, saved_model=folder)


def _as_layers(what: str, folder: Path, metadata: Metadata, options: Options) -> ReadResult:
    loaded = tf.saved_model.load(str(folder))
    stored = sum(file.stat().st_size for file in (folder / "variables").glob("variables.data-*"))
    model, changes = rebuild(metadata, loaded, stored, folder.name, options)
    signature = loaded.signatures.get(DEFAULT_SIGNATURE)
    if signature is None:
        changes.append("not compared with the graph, which has no signature serving_default")
        return ReadResult(f"{what}: {summary(model)}", "rebuilt as a Keras 3 model", changes, model)
    reference = _graph_function(model, loaded, signature)
    _compare(model, reference)
    return ReadResult(
        f"{what}: {summary(model)}",
        "rebuilt as a Keras 3 model from the metadata of Keras 2",
        changes,
        model,
        reference=reference,
        reference_name="the SavedModel's graph in TensorFlow",
    )


def _graph_function(model: keras.Model, loaded: Any, signature: Any) -> Callable[[Arrays], Arrays]:
    """Returns a function that runs the graph. The function uses the input and output names of `model`.

    The function holds a reference to `loaded`, because TensorFlow would otherwise free the variables.
    """
    names = output_names(model)
    arguments = list(signature.structured_input_signature[1])
    if len(arguments) != len(model.inputs):  # a ragged input is an argument for its values and one for its row splits
        raise FailedPrecondition(
            f"Expected {len(model.inputs)} inputs. Received: a signature with {', '.join(arguments)} (ragged inputs)"
        )
    argument_of = {x.name: x.name if x.name in arguments else arguments[at] for at, x in enumerate(model.inputs)}
    if set(names) != set(signature.structured_outputs):
        if len(names) > 1 or len(signature.structured_outputs) > 1:
            raise FailedPrecondition(
                f"Expected outputs {', '.join(sorted(signature.structured_outputs))}. Received: {', '.join(names)}"
            )

    def run(inputs: Arrays) -> Arrays:
        outputs = signature(**{argument_of[name]: tf.constant(value) for name, value in inputs.items()})
        tensors = {name: outputs[name] if len(names) > 1 else next(iter(outputs.values())) for name in names}
        return {name: value.numpy() for name, value in tensors.items() if loaded}

    return run


def _compare(model: keras.Model, reference: Callable[[Arrays], Arrays]) -> None:
    """Raises FailedPrecondition if the model's outputs differ from the graph's."""
    endpoint = plain(model, seed=0)
    for batch in BATCHES:
        inputs = endpoint.example(batch)

        def run(inputs: Arrays = inputs) -> tuple[Arrays, Arrays]:
            new = endpoint.function(*inputs.values())
            expected = reference(inputs)
            return {name: np.asarray(new[name]) for name in expected}, expected

        for name, _, problem in compare(*run(), TOLERANCE, run):
            if problem:
                raise FailedPrecondition(
                    f"The rebuilt layers differ from the graph (tolerance {TOLERANCE}): output {name} is {problem}"
                )
