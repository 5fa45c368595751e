"""A model as a file for another runtime, checked in that runtime.

A target is a module here with

- `SUFFIX`: of its file, such as ".onnx"; "" where it is a folder;
- `write(model, endpoint, place) -> notes`: writes the file or folder at `place`, where nothing is yet. The notes say
  what was changed on the way, a line for each layer;
- `runner(place, endpoint) -> function`: answers arrays by the endpoint's names in the target's own runtime; raises
  FailedPrecondition that says how to install that runtime where it is missing;
- `runtime(place) -> str`: that runtime and its version, such as "ONNX Runtime 1.31.1"; asked after an answer;
- `WHOLE`: whether it takes the model as a whole, and so no signature but the default one.

Both raise FailedPrecondition, in one line, for what the target can't take.
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
from ..wire.signature import DEFAULT_SIGNATURE

TARGETS = {
    "keras": "keras",
    "h5": "h5",
    "tfjs": "tfjs.folder",
    "onnx": "onnx",
    "openvino": "openvino",
}
TOLERANCE = 1e-4  # of floats: absolutely, or of the value where that is more
BATCHES = (1, 7)
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Written:
    """What was exported.

    Attributes:
        place: the file or folder.
        notes: what was changed on the way.
        runtime: where its answers were checked.
        difference: the largest one between a float there and here, at most `TOLERANCE`.
        inputs: the names of what goes in.
        outputs: the names of what comes out.
    """

    place: Path
    notes: list[str]
    runtime: str
    difference: float
    inputs: list[str]
    outputs: list[str]


def export_to(
    target: str,
    model: keras.Model,
    place: str | Path,
    signature: str = DEFAULT_SIGNATURE,
    labels: Sequence[str] | None = None,
    texts: Texts | None = None,
) -> Written:
    """Writes a model as a file for another runtime, and compares what it answers there with what it answers here.

    Args:
        target: one of `TARGETS`.
        model: any built Keras model.
        place: the file or folder to be; there must be nothing yet.
        signature: which one, of those that `signatures` finds for the model.
        labels: the names of its classes; see `export`.
        texts: what its ids stand for; see `export`.

    Raises:
        AlreadyExists: something is at `place`.
        InvalidArgument: no such target, no such signature, or another suffix than the target's.
        FailedPrecondition: the target can't take it, answers otherwise, or its runtime is not installed; or Keras runs
            on another backend than TensorFlow. Nothing is left behind.
    """
    if keras.config.backend() != "tensorflow":
        raise FailedPrecondition(
            f"Expected Keras on TensorFlow for the export. Received: backend {keras.config.backend()}"
        )
    module, place = _module(target), Path(place)
    if place.suffix != module.SUFFIX and module.SUFFIX:
        raise InvalidArgument(f"Expected a file name that ends in {module.SUFFIX}. Received: {place}")
    _refuse_existing(place)
    endpoint = _endpoint(endpoints(model, labels=labels, texts=texts), signature, target, module.WHOLE)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=place.parent))
    try:
        notes = _write(module, model, endpoint, made := partial / place.name)
        run = module.runner(made, endpoint)
        largest, outputs = check(place.name, endpoint, run, lambda: module.runtime(made))
        runtime = module.runtime(made)
        files = sorted(partial.iterdir())  # "model.bin" before "model.xml"
        for file in files:
            _refuse_existing(place.parent / file.name)
        for file in files:
            file.rename(place.parent / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Written(place, notes, runtime, largest, [spec.name for spec in endpoint.inputs], outputs)


def _write(module: Any, model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Has a target written. Raises FailedPrecondition for whatever its converter raises: each has its own kinds."""
    try:
        notes: list[str] = module.write(model, endpoint, place)
    except ServingError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise FailedPrecondition(f"Expected a model that can become {place.name}. Received: {reason}") from error
    return notes


def default_place(target: str, name: str) -> str:
    """What a model's file or folder is called: "gru.onnx", "gru-tfjs"."""
    return f"{name}{_module(target).SUFFIX or f'-{target}'}"


def check(
    what: str, endpoint: Endpoint, run: Callable[[Arrays], Arrays], runtime: Callable[[], str]
) -> tuple[float, list[str]]:
    """Compares what `run` answers with what the endpoint's own function answers, at batch 1 and 7.

    Args:
        what: whose answers these are, for the error.
        endpoint: the function, and examples to ask for.
        run: answers by the endpoint's names.
        runtime: where, for the error.

    Returns:
        The largest difference between floats, and the names of the outputs.

    Raises:
        FailedPrecondition: floats differ by more than `TOLERANCE`, or anything else differs.
    """
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    largest, names = 0.0, []
    for batch in BATCHES:
        inputs = endpoint.example(batch)
        expected = function(*(tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs))
        got, names = run(inputs), list(expected)
        for name, value in expected.items():
            off = difference(got[name], value.numpy()) if name in got else "missing"
            if problem := too_far(off, TOLERANCE):
                raise FailedPrecondition(
                    f"Expected {what} to answer in {runtime()} as the model does (within {TOLERANCE}). "
                    f"Received: {name} {problem} at batch {batch}"
                )
            largest = max(largest, float(off))
    return largest, names


def _module(target: str) -> Any:
    if target not in TARGETS:
        raise InvalidArgument(f"Expected a target: {', '.join(TARGETS)}. Received: {target}")
    return importlib.import_module(f".{TARGETS[target]}", __package__)


def _endpoint(found: dict[str, Endpoint], signature: str, target: str, whole: bool) -> Endpoint:
    if signature not in found:
        raise InvalidArgument(f"Expected a signature: {', '.join(found)}. Received: {signature}")
    if whole and signature != DEFAULT_SIGNATURE:
        raise InvalidArgument(
            f"Expected no signature for {target}, which takes the model as a whole. Received: {signature}"
        )
    endpoint = found[signature]
    if texts := [spec.name for spec in endpoint.inputs if spec.dtype == tf.string]:
        raise FailedPrecondition(
            f"Expected a signature that takes numbers for {target}. Received: {signature}, whose {texts[0]} are bytes"
        )
    return endpoint


def _refuse_existing(place: Path) -> None:
    if place.exists() or place.is_symlink():
        raise AlreadyExists(f"Expected a new place for the export. Received: {place}, which exists")
