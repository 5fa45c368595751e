"""Writes what a server needs to answer the signatures of an export without TensorFlow: OpenVINO files and steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..engines.openvino import files, plans
from ..engines.openvino.conversion import Converter
from ..signatures.endpoint import Arrays, Endpoint, Part
from ..steps.base import Graph, Step
from ..steps.names import Names
from .tracking import Tracked, save

EXAMPLES = (1, 2, 5)  # batch sizes of the examples that the steps are compared on


def write_openvino(
    folder: Path, model: keras.Model | None = None, signatures: Mapping[str, Endpoint] | None = None
) -> None:
    """Adds OpenVINO files for the signatures that OpenVINO runs correctly, and the steps of other signatures.

    Args:
        folder: the folder of the version, with its SavedModel.
        model: the Keras model. None if there is only a SavedModel.
        signatures: the signatures.
    """
    target = folder / files.FOLDER
    target.mkdir(parents=True)
    try:
        if model is not None and signatures:
            _write_plans(target, model, signatures)
        Converter(files.OpenVinoFiles()).convert_into(target, folder)
    finally:
        plans.remove(target)


def _write_plans(target: Path, model: keras.Model, signatures: Mapping[str, Endpoint]) -> None:
    graphs = {
        endpoint.parts[0]: name for name, endpoint in reversed(list(signatures.items())) if _is_graph(endpoint.parts)
    }
    several = {
        name: endpoint
        for name, endpoint in signatures.items()
        if endpoint.parts and not _is_graph(endpoint.parts) and _is_portable(endpoint.parts)
    }
    own: dict[Part, str] = {}
    for endpoint in several.values():
        for part in _graphs(endpoint.parts):
            if part not in graphs:
                graphs[part] = own[part] = f"graph_{len(own)}"
    if own:
        traced = {
            name: tf.function(part.function, part.specs, autograph=False).get_concrete_function()
            for part, name in own.items()
        }
        save(Tracked(model, traced, ()), target / plans.GRAPHS, traced)
    plans.write(
        target,
        {name: _steps(endpoint, graphs) for name, endpoint in several.items()},
        {name: part.limits for part, name in own.items()},
        {name: [named(endpoint, endpoint.example(count)) for count in EXAMPLES] for name, endpoint in several.items()},
    )


def named(endpoint: Endpoint, inputs: Arrays) -> Arrays:
    """Returns the inputs by their names in the signature."""
    return {endpoint.names.get(name, name): np.asarray(array) for name, array in inputs.items()}


def _is_graph(parts: Sequence[Part]) -> bool:
    """Returns whether the parts are one graph."""
    return len(parts) == 1 and bool(parts[0].specs)


def _is_portable(parts: Sequence[Part]) -> bool:
    return all((part.step or part.specs) and _is_portable(part.inner) for part in parts)


def _graphs(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        if part.specs:
            yield part
        yield from _graphs(part.inner)


def _steps(endpoint: Endpoint, graphs: Mapping[Part, str]) -> tuple[Step, ...]:
    new = {name: other for name, other in endpoint.names.items() if name != other}
    names = [Names(tuple(new.values()), tuple(new))] if new else []
    return (*names, *(_step(part, graphs) for part in endpoint.parts))


def _step(part: Part, graphs: Mapping[Part, str]) -> Step:
    if part.step is None:
        return Graph(graphs[part])
    return part.step(*(_step(each, graphs) for each in part.inner))
