"""Reads whole models in HDF5, as Keras 2 and Keras 3 write them."""

from __future__ import annotations

from pathlib import Path

from ...errors import InvalidArgument
from ..keras2 import runtime as keras2_runtime
from ..keras2 import weights as keras2_weights
from ..keras2.repair import is_keras2, repair
from ..keras2.training import compile_model
from ..reading import config as config_file
from ..reading import hdf5
from ..reading.json_text import read_json
from ..reading.result import Options, ReadResult
from ..reading.vetting import vet
from . import legacy_weights
from .keras_file import build_checked, made_by, summary
from .weight_sizes import elements


def read(path: Path, options: Options) -> ReadResult:
    """Reads the model of an HDF5 file.

    The result has a `reference` if Keras 2 wrote the file, and tf_keras is installed and can load the file.

    Raises:
        PermissionDenied: the file would run code, or refers to other files.
        FailedPrecondition: a layer has no equivalent in Keras 3.
        InvalidArgument: the file is damaged, or the weights do not fit the layers.
        ResourceExhausted: the layers need more weights than the file has, or the model is too large.
    """
    raw, version = config_file.read(path)
    if version.startswith(("0.", "1.")):
        raise InvalidArgument(
            f"Expected a file of Keras 2 or 3. Received: Keras {version} (load the file in Keras 2, and save it again)"
        )
    config, changes = repair(raw)
    vet(config, options)
    model = build_checked(path, config, options, elements(path))
    with hdf5.open_checked(path) as file:
        if "model_weights" not in file:
            raise InvalidArgument(
                f"Expected a model with weights. Received: {path.name}, which has only a configuration"
            )
        weights = file["model_weights"]
        changes += legacy_weights.load(model, raw, legacy_weights.layers(weights))
        if hdf5.text(weights, "backend") == "theano":
            keras2_weights.flip_kernels(model)
        training = hdf5.text(file, "training_config")
    reference = None
    if is_keras2(raw):
        keras2_weights.adjust(model)
        reference = keras2_runtime.reference_function(path, raw, model, options)
    if training:
        changes += compile_model(model, read_json(training.encode(), "training_config"))
    return ReadResult(
        f"HDF5 file of {made_by(version)}: {summary(model)}",
        "rebuilt as a Keras 3 model" if is_keras2(raw) else "built with Keras",
        changes,
        model,
        reference=reference,
        reference_name=keras2_runtime.name() if reference else "",
    )
