"""Builds the model of a case, writes its file, and computes its outputs for random inputs."""

from __future__ import annotations

import importlib
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras_gallery.serving.importer.process import Request

from .cases import FORMATS, Case, NotInThisVersion

BATCHES = (1, 5)
OPEN_SIZE = 16  # size of dimensions that the model leaves open
TEXTS = ("red", "green", "blue green", "Red! green", "", "grün")

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Prepared:
    """A case with its file.

    Attributes:
        case: the case.
        file: the written file.
        samples: for each batch size, the inputs by name, and the Keras model's outputs: by name if the model returns a
            dictionary, otherwise in order.
        names: Keras's names of the outputs.
    """

    case: Case
    file: Path
    samples: list[tuple[Arrays, Any]]
    names: list[str]

    def request(self) -> Request:
        """Returns the request of `gallery import`."""
        return Request(self.file, name=self.file.name.removesuffix(self.file.suffix), classes=self.case.classes)


def prepare(case: Case, file: Path) -> Prepared:
    """Builds a case and writes its file: the path `file` with the suffix of the format.

    Raises NotInThisVersion if Keras does not have the layers, or cannot write the file.
    """
    seed = zlib.crc32(case.key.encode())
    try:
        package = importlib.import_module("keras" if case.keras == 3 else "tf_keras")
    except ModuleNotFoundError as error:
        raise NotInThisVersion(f"Keras 2 is not installed: {error}") from None
    for module in case.classes:
        importlib.import_module(module)
    keras.backend.clear_session()
    package.backend.clear_session()
    keras.utils.set_random_seed(seed)
    try:
        model = case.build(package)
    except AttributeError as error:
        if case.keras == 2:
            raise NotInThisVersion(str(error)) from None
        raise
    rng = np.random.default_rng(seed)
    _change_weights(model, rng)
    samples = []
    for batch in BATCHES:
        inputs = {_name(each): _random(rng, each, batch, case) for each in model.inputs}
        samples.append((inputs, _outputs(model, inputs)))
    target = file.with_name(file.name + FORMATS[case.file_format])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.save(target, **({"save_format": "tf"} if case.file_format == "saved_model" else {}))
        except Exception as error:
            raise NotInThisVersion(f"Keras {case.keras} cannot write the file: {error}") from None
    return Prepared(case, target, samples, list(getattr(model, "output_names", None) or []))


def _change_weights(model: Any, rng: np.random.Generator) -> None:
    """Adds random numbers to biases, means and variances, whose initial values of 0 or 1 would hide errors."""
    for weight in model.weights:
        dtype = getattr(weight.dtype, "name", weight.dtype)
        if str(dtype).startswith(("float", "bfloat")) and len(weight.shape) == 1:
            weight.assign(np.asarray(weight) + rng.uniform(0, 0.2, weight.shape))


def _name(tensor: Any) -> str:
    return str(tensor.name).split(":")[0]


def _random(rng: np.random.Generator, tensor: Any, batch: int, case: Case) -> Any:
    """Returns random values for an input of a model."""
    shape = (batch, *(OPEN_SIZE if size is None else int(size) for size in tuple(tensor.shape)[1:]))
    dtype = getattr(tensor.dtype, "name", tensor.dtype)
    if dtype == "string":
        return rng.choice(np.array(case.texts.get(_name(tensor), TEXTS), object), shape)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype == "uint8":
        return rng.integers(0, 256, shape, np.uint8)
    if dtype.startswith(("int", "uint")):
        return rng.integers(0, case.ids, shape).astype(dtype)
    return (rng.random(shape) * case.scale).astype(dtype)


def _outputs(model: Any, inputs: Mapping[str, Any]) -> Any:
    """Returns a Keras model's outputs: a dictionary of arrays, or a list of arrays."""
    import tensorflow as tf

    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    values = list(tensors.values())
    try:
        structure = model.input
    except AttributeError:  # a Sequential of Keras 3 that was never called
        structure = None
    packed = tensors if isinstance(structure, dict) else values if len(values) > 1 else values[0]
    result = model(packed, training=False)
    if isinstance(result, Mapping):
        return {name: _array(value) for name, value in result.items()}
    return [_array(each) for each in tf.nest.flatten(result)]


def _array(value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "V" else array  # bfloat16
