"""Tells kinds of models apart by the names of their layers, their outputs and their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .autoencoder import autoencoder, colorizer
from .base import Arrays, Data, Endpoint, Tensors
from .classifier import classifier
from .detector import BOXES, PROBABILITIES, detector
from .regressor import regressor
from .segmenter import segmenter


def endpoints(model: keras.Model, seed: int = 0, labels: Sequence[str] | None = None) -> dict[str, Endpoint]:
    """The endpoints of a model by signature name, `serving_default` first.

    A model with one input, float32, whose last layer is called

    - `probabilities` (batch, classes) is a classifier: `classify`;
    - `prediction` (batch, k) is a regressor: `regress`;
    - `pixel_probabilities` (batch, height, width, classes) is a segmenter: `segment`.

    One whose outputs are called `cell_probabilities` and `cell_boxes` is a detector: `detect`. One with sub-models (or
    layers) named `encoder` and `decoder`

    - whose output has its input's shape gets `reconstruct`, `encode`, `decode` and `score`; with a layer named
      `corruption` it was trained to denoise and gets `denoise` too; with layers `mean` and `log_variance` in its
      encoder its codes are normally distributed and it gets `generate`;
    - that makes colour images of grey ones gets `colorize` and `encode`.

    Classifiers, regressors and the like get `embed`, too, where they have a layer named `embedding`. Images of one or
    three channels come as PNG or JPEG bytes as well. Any other model gets `serving_default` under the names of its
    inputs and outputs.

    Args:
        model: any built Keras model.
        seed: of the inputs that it is checked and warmed up with.
        labels: the names of the classes of a classifier or a detector; by default "0", "1" and so on.

    Raises:
        InvalidArgument: another number of labels than of classes.
    """
    if len(model.inputs) != 1 or model.inputs[0].dtype != "float32":
        return {"serving_default": _plain(model, seed)}
    shape = tuple(model.inputs[0].shape[1:])
    data = Data(shape, seed)
    match _output_names(model):
        case ["probabilities"]:
            return classifier(model, data, labels)
        case ["prediction"]:
            return regressor(model, data)
        case ["pixel_probabilities"]:
            return segmenter(model, data)
        case [_]:
            if {"encoder", "decoder"} <= {layer.name for layer in model.layers}:
                after = tuple(model.outputs[0].shape[1:])
                if shape == after:
                    return autoencoder(model, data)
                if len(shape) == 3 and (shape, after) == ((*shape[:2], 1), (*shape[:2], 3)):
                    return colorizer(model, data)
        case [_, _]:
            if isinstance(model.output, dict) and model.output.keys() == {PROBABILITIES, BOXES}:
                return detector(model, data, labels)
    return {"serving_default": _plain(model, seed)}


def _output_names(model: keras.Model) -> list[str]:
    """The names of the layers that a model's outputs come from."""
    return [output._keras_history.operation.name for output in model.outputs]


def _plain(model: keras.Model, seed: int) -> Endpoint:
    """The model as it is, inputs and outputs under their Keras names."""
    rng = np.random.default_rng(seed)
    specs = [
        tf.TensorSpec((None, *each.shape[1:]), keras.backend.standardize_dtype(each.dtype), name=each.name)
        for each in model.inputs
    ]

    def example(batch: int) -> Arrays:
        arrays = {}
        for spec in specs:
            size = tuple(batch if i == 0 else (d or 3) for i, d in enumerate(spec.shape.as_list()))
            arrays[spec.name] = rng.random(size).astype(spec.dtype.as_numpy_dtype)
        return arrays

    def call(*values: Any) -> Tensors:
        result = model(list(values) if len(values) > 1 else values[0], training=False)
        if isinstance(result, dict):
            return dict(result)
        results = result if isinstance(result, list | tuple) else [result]
        return dict(zip(_output_names(model), results, strict=True))

    return Endpoint(call, specs, example)
