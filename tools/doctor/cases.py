"""Builds a model for each sample. Each model measures one row of the table in `serving/doctor`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import keras
import numpy as np
from keras_gallery.serving.doctor import table
from keras_gallery.serving.doctor.layers import layers_of
from keras_gallery.serving.signatures import Endpoint, endpoints
from keras_gallery.serving.wire.signature import DEFAULT_SIGNATURE

from . import samples, samples_images, samples_sequences
from .samples import Sample

GROUPS = (*samples.GROUPS, *samples_images.GROUPS, *samples_sequences.GROUPS)
# Layer in the keys of `samples.MODELS` → layer in the table.
_KINDS = {"Layer": "*", "Model": "*"}
_NAME = "sample"  # name of the layer that a sample measures


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, and the row of the table (`layer`, `when`) that it measures."""

    layer: str
    when: Mapping[str, Any]
    model: keras.Model

    @property
    def key(self) -> str:
        return key_of(self.layer, self.when)

    @property
    def endpoint(self) -> Endpoint:
        """The model's function with example inputs. Each string in the example inputs has one letter."""
        endpoint = endpoints(self.model)[DEFAULT_SIGNATURE]
        if all(spec.dtype != "string" for spec in endpoint.inputs):
            return endpoint

        def texts(batch: int) -> dict[str, Any]:
            return {spec.name: np.full((batch, *spec.shape[1:]), b"a", object) for spec in endpoint.inputs}

        return dataclasses.replace(endpoint, example=texts)


def key_of(layer: str, when: Mapping[str, Any]) -> str:
    """Returns a row's key, such as 'Conv1D {"groups": ">1"}'."""
    return f"{layer} {json.dumps(when)}"


def cases(patterns: Sequence[str] = ("*",)) -> Iterator[Case]:
    """Yields the cases of all samples whose layer matches one of the shell patterns."""
    for sample in GROUPS:
        model = build(sample, _NAME)
        measured = next(each for each in layers_of(json.loads(model.to_json())) if each.name == _NAME)
        when = {option: table.condition_for(option, measured.options[option]) for option in sample.when}
        if any(fnmatchcase(measured.kind, each) for each in patterns):
            yield Case(measured.kind, when, model)
    for key, sample in samples.MODELS.items():
        layer, _, option = key.partition(":")
        option, _, value = option.partition("=")
        if any(fnmatchcase(layer, each) for each in patterns):
            yield Case(_KINDS.get(layer, layer), {option: value or True} if option else {}, build(sample))


def build(sample: Sample, name: str = "") -> keras.Model:
    """Builds the model of a sample with random weights. `name` is the name of the sample's layer."""
    keras.utils.set_random_seed(1)
    inputs = [keras.Input(shape, dtype=dtype, name=f"x{at}") for at, (shape, dtype) in enumerate(sample.inputs)]
    layer_or_function = sample.make()
    is_layer = isinstance(layer_or_function, keras.layers.Layer)
    if is_layer and name:
        layer_or_function.name = name
    results = layer_or_function(inputs if len(inputs) > 1 else inputs[0])
    if is_layer and isinstance(results, list | tuple):
        # Without these layers, all outputs would have the same name.
        results = [keras.layers.Activation("linear", name=f"y{at}")(each) for at, each in enumerate(results)]
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], results)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(rng.uniform(0.1, 0.9, weight.shape))  # positive, because variances must be positive
    return model
