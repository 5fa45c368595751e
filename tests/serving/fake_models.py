"""Models without files or engines: their signatures are Python functions on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from keras_gallery.serving.core.servable import Servable, Signature
from keras_gallery.serving.core.served_models import ServedModel, ServedModels
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.observe.observation import Observation
from keras_gallery.serving.wire import dtypes, messages
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

Function = Callable[[Arrays], Mapping[str, Any]]


class Runner:
    """Runs a Python function. `calls` has the arguments of each call. `closed` says whether the runner was closed."""

    engine = "python"
    can_join: Callable[[Arrays], bool] | None = None

    def __init__(self, function: Function) -> None:
        self._function = function
        self.calls: list[tuple[Arrays, tuple[str, ...]]] = []
        self.closed = False

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        self.calls.append((inputs, tuple(outputs)))
        with np.errstate(all="ignore"):  # the tests send arbitrary values
            results = self._function(inputs)
        return {name: np.asarray(results[name]) for name in outputs}

    def close(self) -> None:
        self.closed = True


def specs(dtype_names: Mapping[str, str]) -> dict[str, TensorSpec]:
    """Returns specs of unknown shape, from dtype names such as "float". "x" has the tensor name "serving_x:0"."""
    rows = {row.name: row for row in dtypes.DATA_TYPES}
    return {name: TensorSpec(f"serving_{name}:0", rows[dtype], None) for name, dtype in dtype_names.items()}


def definition(
    name: str = "serving_default",
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    *,
    method: str = "predict",
    defaults: Mapping[str, Any] | None = None,
) -> SignatureDef:
    """Returns a signature definition. By default, the input `inputs` is a batch of serialized tf.Examples."""
    inputs, outputs = {"inputs": "string"} if inputs is None else inputs, outputs or {"outputs": "float"}
    return SignatureDef(name, f"tensorflow/serving/{method}", specs(inputs), specs(outputs), defaults or {})


def record() -> Observation:
    """Returns the record of a new request."""
    return Observation("grpc", "Predict")


def serve(signatures: Mapping[str, Signature], *, name: str = "m", version: int = 3) -> ServedModels:
    """Returns served models: one version of one model, with the label "stable"."""
    graph = messages.MetaGraphDef()
    for key, signature in signatures.items():
        graph.signature_def[key].method_name = signature.definition.method_name
    servable = Servable(name, version, graph, dict(signatures))
    models = ServedModels()
    models.publish({name: ServedModel({version: servable}, {"stable": version})})
    return models


def signatures(*pairs: tuple[SignatureDef, Function]) -> dict[str, Signature]:
    """Returns signatures, each with a `Runner` for its function."""
    return {definition.name: Signature(definition, Runner(function)) for definition, function in pairs}
