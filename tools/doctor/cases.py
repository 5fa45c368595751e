"""Builds the samples as models, each for one row of the table."""

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
_KINDS = {"Layer": "*", "Model": "*"}
_NAME = "sample"  # name of the measured layer


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
        """The model's function with example inputs. String inputs are strings of one letter."""
        endpoint = endpoints(self.model)[DEFAULT_SIGNATURE]
        if all(spec.dtype != "string" for spec in endpoint.inputs):
            return endpoint

        def texts(batch: int) -> dict[str, Any]:
            return {spec.name: np.full((batch, *spec.shape[1:]), b"a", object) for spec in endpoint.inputs}

        return dataclasses.replace(endpoint, example=texts)


def key_of(layer: str, when: Mapping[str, Any]) -> str:
    """Returns the key of a row."""
    return f"{layer} {json.dumps(when)}"


def cases(patterns: Sequence[str] = ("*",)) -> Iterator[Case]:
    """Yields the models of all samples whose layer matches one of the shell patterns."""
    for sample in GROUPS:
        model = build(sample, _NAME)
        found = next(each for each in layers_of(json.loads(model.to_json())) if each.name == _NAME)
        when = {option: table.condition_for(option, found.options[option]) for option in sample.when}
        if any(fnmatchcase(found.kind, each) for each in patterns):
            yield Case(found.kind, when, model)
    for key, sample in samples.MODELS.items():
        layer, _, option = key.partition(":")
        option, _, value = option.partition("=")
        if any(fnmatchcase(layer, each) for each in patterns):
            yield Case(_KINDS.get(layer, layer), {option: value or True} if option else {}, build(sample))


def build(sample: Sample, name: str = "") -> keras.Model:
    """Builds the model of a sample with random weights. `name` is the name for its layer."""
    keras.utils.set_random_seed(1)
    inputs = [keras.Input(shape, dtype=dtype, name=f"x{at}") for at, (shape, dtype) in enumerate(sample.inputs)]
    made = sample.make()
    is_layer = isinstance(made, keras.layers.Layer)
    if is_layer and name:
        made.name = name
    results = made(inputs if len(inputs) > 1 else inputs[0])
    if is_layer and isinstance(results, list | tuple):
        # All outputs of one layer would have the same name.
        results = [keras.layers.Activation("linear", name=f"y{at}")(each) for at, each in enumerate(results)]
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], results)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(rng.uniform(0.1, 0.9, weight.shape))  # positive, as variances must be
    return model
