"""Exports a model to a file for another runtime, and checks the file in that runtime.

A target is a module in this folder. It defines

- `SUFFIX`: suffix of the file, such as ".onnx", or "" for a folder;
- `write(model, endpoint, place) -> notes`: writes the file or folder `place`, which does not exist yet. Returns a note
  on each change to the model;
- `runner(place, endpoint) -> function`: returns a function that runs the file in the target's runtime. The function
  takes and returns dicts of arrays by the endpoint's names;
- `runtime(place) -> str`: name and version of the runtime, such as "ONNX Runtime 1.31.1". Called after a run;
- `WHOLE`: whether the target always exports the whole model, so that no other signature can be chosen.

`write` and `runner` raise FailedPrecondition with a message of one line if the target does not support the model, or if
a package is not installed.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import AlreadyExists, FailedPrecondition, InvalidArgument, ServingError
from ..export.comparing import difference, too_far
from ..signatures import Endpoint, Texts, endpoints
from ..signatures.corrections import corrected
from ..signatures.outputs import check_count
from ..signatures.pixels import pixel_range
from ..wire.signature import DEFAULT_SIGNATURE
from .plain import plain

TARGETS = {
    "keras": "keras",
    "h5": "h5",
    "tfjs": "tfjs.folder",
    "onnx": "onnx",
    "openvino": "openvino",
}
TOLERANCE = 1e-4  # for floats: absolute, or relative for values above 1
BATCHES = (1, 7)
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Written:
    """An exported file.

    Attributes:
        place: the file or folder.
        notes: changes to the model.
        runtime: name and version of the runtime that checked the file.
        difference: largest difference between the runtime's and the model's outputs, at most `TOLERANCE`.
        inputs: names of the inputs.
        outputs: names of the outputs.
    """

    place: Path
    notes: list[str]
    runtime: str
    difference: float
    inputs: list[str]
    outputs: list[str]


@corrected()
def export_to(
    target: str,
    model: keras.Model,
    place: str | Path,
    signature: str = DEFAULT_SIGNATURE,
    labels: Sequence[str] | None = None,
    texts: Texts | None = None,
) -> Written:
    """Exports a model to a file for another runtime, and compares the runtime's outputs with the model's outputs.

    Args:
        target: a key of `TARGETS`.
        model: any built Keras model.
        place: the file or folder to write. It must not exist.
        signature: name of the signature to export, see `signatures.endpoints`.
        labels: names of the classes, see `writing.export`.
        texts: the tokens for the ids in the model's inputs and outputs, by role; see `writing.export`.

    Raises:
        AlreadyExists: `place` exists.
        InvalidArgument: unknown target or signature, or `place` does not have the target's suffix.
        FailedPrecondition: the target does not support the model, the outputs differ, the runtime is not installed, or
            the Keras backend is not TensorFlow. No files are left behind.
    """
    if keras.config.backend() != "tensorflow":
        raise FailedPrecondition(
            f"The export needs the TensorFlow backend of Keras, not {keras.config.backend()}: "
            "save the model, then export it with KERAS_BACKEND=tensorflow"
        )
    module, place = _module(target), Path(place)
    if place.suffix != module.SUFFIX and module.SUFFIX:
        raise InvalidArgument(f"Expected a file name that ends in {module.SUFFIX}. Received: {place}")
    _check_is_new(place)
    available = endpoints(model, labels=labels, texts=texts)
    endpoint = _endpoint(available, signature, target, module.WHOLE)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=place.parent))
    try:
        unchecked = partial / place.name
        notes = _write(module, model, endpoint, unchecked)
        if module.WHOLE:
            notes += _import_notes(plain(model)[0], set(available))
        run = module.runner(unchecked, endpoint)
        largest, outputs = check(place.name, endpoint, run, lambda: module.runtime(unchecked))
        runtime = module.runtime(unchecked)
        files = sorted(partial.iterdir())  # model.bin comes before model.xml, which refers to it
        for file in files:
            _check_is_new(place.parent / file.name)
        for file in files:
            file.rename(place.parent / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Written(place, notes, runtime, largest, [spec.name for spec in endpoint.inputs], outputs)


def _import_notes(model: keras.Model, signatures: set[str]) -> list[str]:
    """Says how the signatures of an import of the file differ from `signatures`."""
    imported = set(endpoints(model))
    lost = ", ".join(sorted(signatures - imported))
    notes = [f"an import of the file does not have the signatures {lost}"] if lost else []
    if pixel_range(model)[0] is None and (files := [name for name in sorted(imported) if name.endswith("_png")]):
        notes.append(f"an import of the file needs the option --pixels 0..1 for the signatures {', '.join(files)}")
    return notes


def _write(module: Any, model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Calls the target's `write`. Raises FailedPrecondition for any error, since each converter has its own errors."""
    try:
        notes: list[str] = module.write(model, endpoint, place)
    except ServingError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise FailedPrecondition(f"The model cannot be converted to {place.name}: {reason}") from error
    return notes


def default_place(target: str, name: str) -> str:
    """Returns the default file or folder name of an export, such as "gru.onnx" or "gru-tfjs"."""
    return f"{name}{_module(target).SUFFIX or f'-{target}'}"


def check(
    what: str, endpoint: Endpoint, run: Callable[[Arrays], Arrays], runtime: Callable[[], str]
) -> tuple[float, list[str]]:
    """Compares the outputs of `run` and of the endpoint's function, for batches of 1 and 7.

    Args:
        what: name of the file that `run` runs, for the error message.
        endpoint: the function, with example inputs.
        run: computes the outputs to check. It takes and returns dicts of arrays by the endpoint's names.
        runtime: returns the name of the runtime, for the error message.

    Returns:
        The largest difference between floats, and the names of the outputs.

    Raises:
        FailedPrecondition: floats differ by more than `TOLERANCE`, or other values differ.
    """
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    largest, names = 0.0, []
    for batch in BATCHES:
        inputs = endpoint.example(batch)
        expected = function(*(tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs))
        got, names = run(inputs), list(expected)
        check_count(f"{what} in {runtime()}", got, names)
        for name, value in expected.items():
            off = difference(got[name], value.numpy()) if name in got else "missing"
            if problem := too_far(off, TOLERANCE):
                raise FailedPrecondition(
                    f"Wrong outputs of {what} in {runtime()}, compared with the Keras model (tolerance {TOLERANCE}): "
                    f"{name} {problem} at batch {batch}"
                )
            largest = max(largest, float(off))
    return largest, names


def _module(target: str) -> Any:
    if target not in TARGETS:
        raise InvalidArgument(f"Expected a target: {', '.join(TARGETS)}. Received: {target}")
    return importlib.import_module(f".{TARGETS[target]}", __package__)


def _endpoint(available: dict[str, Endpoint], signature: str, target: str, whole: bool) -> Endpoint:
    if signature not in available:
        raise InvalidArgument(f"Expected a signature: {', '.join(available)}. Received: {signature}")
    if whole and signature != DEFAULT_SIGNATURE:
        raise InvalidArgument(
            f"The target {target} exports the whole model, so no signature can be chosen. Received: {signature}"
        )
    endpoint = available[signature]
    if texts := [spec.name for spec in endpoint.inputs if spec.dtype == tf.string]:
        raise FailedPrecondition(
            f"The target {target} needs a signature with numeric inputs. "
            f"Received: {signature}, whose input {texts[0]} is bytes"
        )
    return endpoint


def _check_is_new(place: Path) -> None:
    if place.exists() or place.is_symlink():
        raise AlreadyExists(f"{place} already exists: choose another path for the export")
