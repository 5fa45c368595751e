"""Recognizes the type of a model by the names of its layers, inputs and outputs, and by shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...preparation.description import Pictures, Preparation
from ..errors import InvalidArgument
from .autoencoder import autoencoder, colorizer
from .base import Arrays, Data, Endpoint, Tensors, graph_part, ids_check, joined, random
from .classifier import classifier, classifier_of_several_inputs
from .detector import BOXES, PROBABILITIES, detector
from .forecaster import forecaster
from .halves import encoder_by_name, halves_by_name
from .lookups import id_counts
from .outputs import by_name
from .pixels import UNKNOWN, is_image, pixel_range
from .regressor import regressor
from .segmenter import segmenter
from .tagger import tagger
from .text_generator import text_generator
from .tokens import Tokens
from .words import FIELD, entities, words

# The tokens that ids stand for, by role: {"text": {"names": [...], "split": "words"}}. See `tokens.py`.
Texts = Mapping[str, Mapping[str, Any]]


def endpoints(
    model: keras.Model,
    seed: int = 0,
    labels: Sequence[str] | None = None,
    texts: Texts | None = None,
    *,
    pixels: str | None = None,
    preparation: Preparation | None = None,
    whole: bool = False,
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model by signature name, `serving_default` first.

    Models with one float32 input are recognized by the name of the last layer:

    - `probabilities` (batch, classes): a classifier with `classify`. The input may also be ids, or a text, and there
      may be several inputs. If `texts` has tokens for the ids, there is also `classify_text`. A single sigmoid stands
      for two classes. Several sigmoids are no classes, and there is no `classify`.
    - `prediction` (batch, k): a regressor with `regress`. The input may also be int32 ids of categories. If the model
      has `Embedding` layers named `field_1`, … and `texts` has tokens for each field, there are also `embed_<field>`
      and `nearest_<field>`.
    - `pixel_probabilities` (batch, height, width, classes): a segmenter with `segment`.
    - `forecast` (batch, horizon, features): a forecaster with `forecast`. If its layers are a chain with recurrent
      layers, there is also `step`, which takes one step of a series and the states after the step before.
    - `tag_probabilities` (batch, time, tags): a tagger of ids with `tag`, and with `step` if it is not bidirectional.
      If `texts` has tokens for the ids, there are also `tag_text` and `step_text`.

    Models with sub-models (or layers) named `encoder` and `decoder`:

    - If the output has the input's shape: `reconstruct`, `encode`, `decode` and `score`. If the model has a layer
      `corruption` (denoising autoencoder), there is also `denoise`. If the encoder has layers `mean` and `log_variance`
      (variational autoencoder), there is also `generate`. If the encoder has several outputs, there is also
      `encode_all`.
    - If the input is a grey image and the output is a colour image: `colorize` and `encode`.
    - If there is an input `previous`, the model generates texts: `caption` for an image, and `translate` for a text. If
      the input text is split into characters and the output at spaces, there is also `pronounce`.

    Other models:

    - Outputs named `cell_probabilities` and `cell_boxes`: a detector with `detect`.
    - Last layer `scores` and an `Embedding` layer named `embedding`: word vectors with `embed`, `nearest` and
      `analogy`.
    - Any other model has `serving_default` only, with the names of its inputs and outputs.

    Classifiers, regressors, segmenters, forecasters and detectors with a layer named `embedding` also get `embed`.
    Models of images with one or three channels also get signatures for PNG or JPEG files, such as `classify_png`.
    Models of sequences that support masks also get signatures for padded sequences, such as `classify_padded`.

    Args:
        model: any built Keras model.
        seed: seed of the inputs for checks and warm-up.
        labels: names of the classes of a classifier or a detector, by default "0", "1" and so on.
        texts: tokens that ids stand for, by role: `text` for input texts, `output` for generated texts, `word` for word
            vectors, or the name of each field of categories, in the order of the fields. Without `texts`, the model
            takes ids only.
        pixels: which pixel values a model of images expects: "0..255", "0..1" or "-1..1". By default, the first layers
            say it; if they do not, it is "0..1". For "unknown", there are no signatures for PNG or JPEG files.
        preparation: how training made the inputs from the data. The signatures for image files then take pictures of
            any size, and a model of a table gets signatures for rows, such as `classify_rows`.
        whole: whether the model gets `serving_default` only, with the names of its inputs and outputs.

    Raises:
        InvalidArgument: the number of labels is not the number of classes, or the number of names does not fit the
            number of ids, or `preparation` does not fit the model or `pixels`.
    """
    tokens = {role: Tokens(**options) for role, options in (texts or {}).items()}
    values = _pixel_values(model, pixels, preparation)
    default = {"serving_default": plain(model, seed, values)}
    if whole:
        return default
    if len(model.outputs) == 1 and isinstance(getattr(model, "output", None), dict):
        # A call of the model returns a dict. A call of this copy returns a tensor.
        model = keras.Model(model.inputs, model.outputs[0], name=model.name)
    names = {layer.name for layer in model.layers}
    data = partial(Data, model, seed, pixels=values, preparation=preparation)
    match [each.dtype for each in model.inputs], _last_layers(model):
        case [_], ["probabilities"] if model.outputs[0].shape[1:]:
            return classifier(model, data(), labels, tokens)
        case [_, _, *_], ["probabilities"] if model.outputs[0].shape[1:]:
            return classifier_of_several_inputs(model, default["serving_default"], labels)
        case ["int32"], ["tag_probabilities"] if len(model.outputs[0].shape) == 3:
            return tagger(model, data(), labels, tokens)
        case ["int32"], ["prediction"] if tokens and FIELD.format(1) in names:
            return entities(model, data, tokens)
        case ["float32" | "int32"], ["prediction"]:
            return regressor(model, data())
        case ["float32"], ["forecast"]:
            return forecaster(model, data("history"))
        case ["float32"], ["pixel_probabilities"]:
            return segmenter(model, data())
        case [_, _], ["scores"] if "embedding" in names:
            return default | words(model, tokens)
        case [_, _], [_] if {"encoder", "decoder"} <= names and "previous" in [x.name for x in model.inputs]:
            return default | text_generator(model, seed, tokens, values, preparation)
        case ["float32"], [_] if {"encoder", "decoder"} <= names:
            before, after = (tuple(each[0].shape[1:]) for each in (model.inputs, model.outputs))
            if before == after and (halves := halves_by_name(model)):
                return autoencoder(model, data(), halves)
            is_colorizer = len(before) == 3 and (before, after) == ((*before[:2], 1), (*before[:2], 3))
            if is_colorizer and (encoder := encoder_by_name(model)):
                return colorizer(model, data(), encoder)
        case ["float32"], [_, _] if isinstance(model.output, dict) and model.output.keys() == {PROBABILITIES, BOXES}:
            return detector(model, data(), labels)
    return default


def _pixel_values(model: keras.Model, pixels: str | None, preparation: Preparation | None) -> str | None:
    """Returns the range of the model's pixel values, or None if it is unknown."""
    if isinstance(preparation, Pictures):
        if pixels not in (None, preparation.pixels):
            raise InvalidArgument(f"Expected pixels of {preparation.pixels}, as in training. Received: {pixels}")
        return preparation.pixels
    return None if pixels == UNKNOWN else pixels or pixel_range(model)[0] or "0..1"


def _last_layers(model: keras.Model) -> list[str]:
    """Returns the name of the layer that computes each output."""
    return [output._keras_history.operation.name for output in model.outputs]


def plain(model: keras.Model, seed: int, pixels: str | None = None) -> Endpoint:
    """Returns an endpoint that calls the model. The outputs have the names of `output_names`.

    Args:
        model: the model.
        seed: seed of the examples.
        pixels: the range of the pixel values in images, such as "0..255". None if it is not known.
    """
    rng = np.random.default_rng(seed)
    specs = [
        tf.TensorSpec((None, *each.shape[1:]), keras.backend.standardize_dtype(each.dtype), name=each.name)
        for each in model.inputs
    ]

    def example(batch: int) -> Arrays:
        pairs = zip(specs, model.inputs, strict=True)
        return {
            spec.name: random(rng, spec, batch, model, source, pixels if is_image(source.shape) else None)
            for spec, source in pairs
        }

    def call(*values: Any) -> Tensors:
        x = keras.tree.pack_sequence_as(model.input, values) if len(values) > 1 else values[0]
        return by_name(model, model(x, training=False))

    integers = [(spec.name, x) for spec, x in zip(specs, model.inputs, strict=True) if spec.dtype.is_integer]
    limits = {name: min(counts) for name, x in integers if (counts := id_counts(model, x))}
    if len(limits) < len(integers):  # nobody knows which integers are valid
        return joined([graph_part(call, *specs)], specs, example)
    checks = [ids_check(name, [count]) for name, count in limits.items()]
    return joined([*checks, graph_part(call, *specs, limits=limits)], specs, example)
