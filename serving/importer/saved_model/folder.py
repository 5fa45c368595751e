"""SavedModels: rebuilt as layers where Keras 2 wrote down which they are, else served as the graphs that they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ... import saved_model
from ...errors import FailedPrecondition, InvalidArgument, ServingError
from ...export.comparing import difference, too_far
from ...signatures.find import plain
from ...wire.signature import DEFAULT_SIGNATURE
from ..keras.keras_file import made_by, outline, told
from ..reading.result import Arrays, ReadResult, Options
from .copy import GRAPH, KERAS_METADATA, copy, read_graphs
from .keras2 import Metadata, read_metadata, rebuild
from .operations import check_graph

BATCHES = (1, 7)
TOLERANCE = 1e-5
GRAPH_ALONE = (
    "served as it is: a graph without layers, which can't be taken apart or trained (keras.layers.TFSMLayer wraps one "
    "of its signatures for inference)"
)


def read(path: Path, options: Options) -> ReadResult:
    """A SavedModel of TensorFlow 1 or 2, or of Keras 2 or 3.

    `model` where Keras 2 wrote it and what is rebuilt answers as the graph does; else `saved_model`, a copy.

    Raises:
        PermissionDenied: its graph does more than compute, or it has links in it.
        FailedPrecondition: it has no signature.
        InvalidArgument: it is damaged, or has no graph for serving.
        ResourceExhausted: it is larger than the memory holds.
    """
    folder = copy(path, options.folder / "saved_model")
    graphs = read_graphs(folder).meta_graphs
    if not options.trust:
        for each in graphs:
            check_graph(each, (folder / GRAPH).stat().st_size)
    serving = next((each for each in graphs if set(each.meta_info_def.tags) == {"serve"}), None)
    if serving is None:
        tags = "; ".join(", ".join(each.meta_info_def.tags) for each in graphs)
        raise InvalidArgument(
            f"Expected a graph for serving, with the tag serve. Received: graphs with the tags {tags}"
        )
    signatures = saved_model.signatures_of(serving)
    metadata = read_metadata(folder, serving)
    (folder / KERAS_METADATA).unlink(missing_ok=True)
    what = f"SavedModel of {_made_by(serving, metadata)}"
    if metadata is None:
        return _as_it_is(what, folder, signatures, [])
    try:
        with told(folder, "can be rebuilt"):
            return _as_layers(what, folder, metadata, options)
    except ServingError as error:
        return _as_it_is(what, folder, signatures, [f"not rebuilt as layers: {error}"])


def _made_by(serving: Any, metadata: Metadata | None) -> str:
    version = ".".join(serving.meta_info_def.tensorflow_version.split(".")[:2])
    if metadata is not None:
        return made_by(metadata.version)
    nodes = serving.object_graph_def.nodes
    if not nodes:
        return f"TensorFlow {version}, in the form of TensorFlow 1"
    if "_misc_assets" in {child.local_name for child in nodes[0].children}:
        return f"Keras 3 (TensorFlow {version})"
    return f"TensorFlow {version}"


def _as_it_is(what: str, folder: Path, signatures: dict[str, Any], changes: list[str]) -> ReadResult:
    if not signatures:
        raise FailedPrecondition(
            f"Expected a SavedModel with a signature. Received: {what}, without one (save it again with "
            "signatures=..., or in Keras 3 with model.export)"
        )
    named = ", ".join(sorted(signatures))
    return ReadResult(f"{what}: {named}", GRAPH_ALONE, changes, saved_model=folder)


def _as_layers(what: str, folder: Path, metadata: Metadata, options: Options) -> ReadResult:
    loaded = tf.saved_model.load(str(folder))
    held = sum(file.stat().st_size for file in (folder / "variables").glob("variables.data-*"))
    model, changes = rebuild(metadata, loaded, held, folder.name, options)
    signature = loaded.signatures.get(DEFAULT_SIGNATURE)
    if signature is None:
        changes.append("its answers could not be compared: the graph has no signature serving_default")
        return ReadResult(f"{what}: {outline(model)}", "rebuilt as a Keras 3 model", changes, model)
    old = _answers(model, loaded, signature)
    _compare(model, old)
    return ReadResult(
        f"{what}: {outline(model)}",
        "rebuilt as a Keras 3 model, as its layers are written down beside its graph",
        changes,
        model,
        reference=old,
        reference_name="its own graph in TensorFlow",
    )


def _answers(model: keras.Model, loaded: Any, signature: Any) -> Callable[[Arrays], Arrays]:
    """What the graph answers, by the model's names of inputs and outputs.

    `loaded` is kept with it: the variables are gone when it is.
    """
    names = [each._keras_history.operation.name for each in model.outputs]
    wanted = list(signature.structured_input_signature[1])
    given = {x.name: x.name if x.name in wanted else wanted[at] for at, x in enumerate(model.inputs)}
    if len(set(names)) < len(names) or set(names) != set(signature.structured_outputs):
        if len(names) > 1:
            raise FailedPrecondition(
                f"Expected outputs {', '.join(sorted(signature.structured_outputs))}. Received: {', '.join(names)}"
            )

    def answer(inputs: Arrays) -> Arrays:
        outputs = signature(**{given[name]: tf.constant(value) for name, value in inputs.items()})
        found = {name: outputs[name] if len(names) > 1 else next(iter(outputs.values())) for name in names}
        return {name: value.numpy() for name, value in found.items() if loaded}

    return answer


def _compare(model: keras.Model, old: Callable[[Arrays], Arrays]) -> None:
    """Raises FailedPrecondition where the model answers otherwise than the graph."""
    endpoint = plain(model, seed=0)
    for batch in BATCHES:
        inputs = endpoint.example(batch)
        new = endpoint.function(*inputs.values())
        for name, want in old(inputs).items():
            if problem := too_far(difference(np.asarray(new[name]), want), TOLERANCE):
                raise FailedPrecondition(
                    f"Expected the layers to answer as the graph does (within {TOLERANCE}). Received: {name} {problem}"
                )
