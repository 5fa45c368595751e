"""Whole models in HDF5, of Keras 2 and 3: the configuration is repaired and vetted, then built with its weights."""

from __future__ import annotations

from pathlib import Path

from ...errors import InvalidArgument
from ..keras2 import runtime as keras2_runtime
from ..keras2 import weights as keras2_weights
from ..keras2.repair import is_keras2, repair
from ..keras2.training import compile_model
from ..reading import config as config_file
from ..reading import hdf5
from ..reading.result import ReadResult, Options
from ..reading.json_text import read_json
from ..reading.vetting import vet
from . import legacy_weights
from .keras_file import build_justified, made_by, outline
from .weight_sizes import elements


def read(path: Path, options: Options) -> ReadResult:
    """The model of an HDF5 file; `old` answers in Keras 2 where tf_keras is installed and the file is of Keras 2.

    Raises:
        PermissionDenied: it would run code, or reaches for other files.
        FailedPrecondition: it has a layer that nothing in Keras 3 takes the place of.
        InvalidArgument: it is damaged, or its weights are not those of its layers.
        ResourceExhausted: it asks for more than it holds, or than there is.
    """
    raw, version = config_file.read(path)
    if version.startswith(("0.", "1.")):
        raise InvalidArgument(
            f"Expected a file of Keras 2 or 3. Received: one of Keras {version} (load and save it in 2)"
        )
    config, changes = repair(raw)
    vet(config, options)
    model = build_justified(path, config, options, elements(path))
    with hdf5.open_checked(path) as file:
        if "model_weights" not in file:
            raise InvalidArgument(
                f"Expected a model with its weights. Received: {path.name}, with a configuration alone"
            )
        weights = file["model_weights"]
        changes += legacy_weights.load(model, raw, legacy_weights.layers(weights))
        if hdf5.text(weights, "backend") == "theano":
            keras2_weights.turn(model)
        training = hdf5.text(file, "training_config")
    old = None
    if is_keras2(raw):
        keras2_weights.mend(model)
        old = keras2_runtime.of_file(path, raw, model, options)
    if training:
        changes += compile_model(model, read_json(training.encode(), "training_config"))
    return ReadResult(
        f"HDF5 file of {made_by(version)}: {outline(model)}",
        "rebuilt as a Keras 3 model" if is_keras2(raw) else "built with Keras",
        changes,
        model,
        reference=old,
        reference_name=keras2_runtime.name() if old else "",
    )
