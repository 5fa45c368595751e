"""Tells kinds of models apart by the names of their layers, their inputs and outputs, and their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .autoencoder import autoencoder, colorizer
from .base import Arrays, Data, Endpoint, Tensors, random
from .classifier import classifier
from .detector import BOXES, PROBABILITIES, detector
from .forecaster import forecaster
from .regressor import regressor
from .segmenter import segmenter
from .tokens import Tokens
from .words import FIELD, entities, words
from .writer import writer

# What the ids of a role stand for: {"text": {"names": [...], "split": "words"}}. See `tokens.py`.
Texts = Mapping[str, Mapping[str, Any]]


def endpoints(
    model: keras.Model, seed: int = 0, labels: Sequence[str] | None = None, texts: Texts | None = None
) -> dict[str, Endpoint]:
    """The endpoints of a model by signature name, `serving_default` first.

    A model with one input, float32, or int32 ids for the first two, whose last layer is called

    - `probabilities` (batch, classes) is a classifier: `classify`, and `classify_text` of a text's ids;
    - `prediction` (batch, k) is a regressor: `regress`; with a table `field_1` it is one of categories, with
      `embed_<field>` and `nearest_<field>`;
    - `pixel_probabilities` (batch, height, width, classes) is a segmenter: `segment`;
    - `forecast` (batch, horizon, features) is a forecaster: `forecast`.

    One whose outputs are called `cell_probabilities` and `cell_boxes` is a detector: `detect`. One with sub-models (or
    layers) named `encoder` and `decoder`

    - whose output has its input's shape gets `reconstruct`, `encode`, `decode` and `score`; with a layer named
      `corruption` it was trained to denoise and gets `denoise` too; with layers `mean` and `log_variance` in its
      encoder its codes are normally distributed and it gets `generate`;
    - that makes colour images of grey ones gets `colorize` and `encode`;
    - that has an input `previous` writes texts: `caption` of an image, `translate` and `pronounce` of a text.

    One whose last layer is called `scores` and that has a table `embedding` knows words: `embed`, `nearest`.

    Classifiers, regressors and the like get `embed`, too, where they have a layer named `embedding`. Images of one or
    three channels come as PNG or JPEG bytes as well, and sequences of different lengths as `classify_padded` and so on,
    where the model takes a mask. Any other model gets `serving_default` under the names of its inputs and outputs.

    Args:
        model: any built Keras model.
        seed: of the inputs that it is checked and warmed up with.
        labels: the names of the classes of a classifier or a detector; by default "0", "1" and so on.
        texts: what ids stand for, by role: of the `text` that is read, the `output` that is written, the `word`; of
            each field of categories, in order, by its name. Without them a model takes ids alone.

    Raises:
        InvalidArgument: another number of labels than of classes, or of names than of ids.
    """
    tokens = {role: Tokens(**given) for role, given in (texts or {}).items()}
    default = {"serving_default": plain(model, seed)}
    names = {layer.name for layer in model.layers}
    match [each.dtype for each in model.inputs], _output_names(model):
        case ["float32" | "int32"], ["probabilities"]:
            return classifier(model, Data(model, seed), labels, tokens)
        case ["int32"], ["prediction"] if tokens and FIELD.format(1) in names:
            return entities(model, Data(model, seed), tokens)
        case ["float32" | "int32"], ["prediction"]:
            return regressor(model, Data(model, seed))
        case ["float32"], ["forecast"]:
            return forecaster(model, Data(model, seed, "history"))
        case ["float32"], ["pixel_probabilities"]:
            return segmenter(model, Data(model, seed))
        case [_, _], ["scores"] if "embedding" in names:
            return default | words(model, tokens)
        case [_, _], [_] if {"encoder", "decoder"} <= names and "previous" in [x.name for x in model.inputs]:
            return default | writer(model, seed, tokens)
        case ["float32"], [_] if {"encoder", "decoder"} <= names:
            before, after = (tuple(each[0].shape[1:]) for each in (model.inputs, model.outputs))
            if before == after:
                return autoencoder(model, Data(model, seed))
            if len(before) == 3 and (before, after) == ((*before[:2], 1), (*before[:2], 3)):
                return colorizer(model, Data(model, seed))
        case ["float32"], [_, _] if isinstance(model.output, dict) and model.output.keys() == {PROBABILITIES, BOXES}:
            return detector(model, Data(model, seed), labels)
    return default


def _output_names(model: keras.Model) -> list[str]:
    """The names of the layers that a model's outputs come from."""
    return [output._keras_history.operation.name for output in model.outputs]


def plain(model: keras.Model, seed: int) -> Endpoint:
    """The model as it is, inputs and outputs under their Keras names."""
    rng = np.random.default_rng(seed)
    specs = [
        tf.TensorSpec((None, *each.shape[1:]), keras.backend.standardize_dtype(each.dtype), name=each.name)
        for each in model.inputs
    ]

    def example(batch: int) -> Arrays:
        return {spec.name: random(rng, spec, batch, model) for spec in specs}

    def call(*values: Any) -> Tensors:
        x = keras.tree.pack_sequence_as(model.input, values) if len(values) > 1 else values[0]
        result = model(x, training=False)
        if isinstance(result, dict):
            return dict(result)
        results = result if isinstance(result, list | tuple) else [result]
        return dict(zip(_output_names(model), results, strict=True))

    return Endpoint(call, specs, example)
