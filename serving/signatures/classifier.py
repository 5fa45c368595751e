"""Endpoints of classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from ...preparation.notes import Labels
from ..core.checks import CLASSIFY
from ..core.predictions import CLASSES, SCORES
from ..steps import classes as steps
from ..steps.arrays import Columns
from .activations import SIGMOID, output_activation
from .base import Arrays, Data, Endpoint, Part, Tensors, embed, joined, label_names, table_sizes
from .image_files import image_file_endpoints
from .padded import padded
from .rows import row_endpoints
from .tokens import Tokens, tokens_of


class Classes:
    """The classes that the probabilities (batch, n) of a model stand for.

    One sigmoid is the probability of the second of two classes. Several sigmoids are no classes: each of them answers a
    question of its own, and any number of the answers can be yes. Neither is one number that is not a sigmoid.

    Args:
        model: a model with one output, the probabilities.
        labels: names of the classes, by default "0", "1" and so on.

    Raises:
        InvalidArgument: the number of labels is not the number of classes.

    Attributes:
        count: the number of classes. 0 if the probabilities are not those of classes.
        notes: what the signature `classify` says about its outputs: the labels, if they are given.
    """

    def __init__(self, model: keras.Model, labels: Sequence[str] | None = None) -> None:
        self.count = class_count(model)
        self._is_one = model.outputs[0].shape[-1] == 1
        self._names = label_names(labels, self.count) if self.count else []
        self.notes = {"probabilities": Labels(tuple(self._names))} if self.count and labels is not None else {}

    def probabilities(self, p: Any) -> Any:
        """Returns the probabilities of all classes, from the output of the model."""
        return tf.concat([1 - p, p], -1) if self._is_one else p

    @property
    def classified(self) -> Part:
        """Finds the most probable class of each row. One sigmoid of more than 0.5 is the second class."""

        def function(p: Any) -> Tensors:
            p = self.probabilities(p)
            best = tf.gather(tf.constant(self._names), tf.argmax(p, -1))
            return {"probabilities": p, "label": best, "score": tf.reduce_max(p, -1)}

        return Part(function, ("probabilities",), partial(steps.Classes, "probabilities", tuple(self._names)))

    @property
    def scored(self) -> Part:
        """Returns all classes with their scores, in the order of the labels, as TensorFlow's own classifiers do."""

        def function(p: Any) -> Tensors:
            p = self.probabilities(p)
            return {CLASSES: tf.broadcast_to(tf.constant(self._names), tf.shape(p)), SCORES: p}

        return Part(function, ("probabilities",), partial(steps.Scored, "probabilities", tuple(self._names)))


def class_count(model: keras.Model) -> int:
    """Returns the number of classes whose probabilities the model computes. 0 if it computes others: see `Classes`."""
    is_sigmoid = output_activation(model) == SIGMOID
    size = model.outputs[0].shape[-1] or 0
    if size == 1:
        return 2 if is_sigmoid else 0
    return 0 if is_sigmoid else int(size)


def classifier(
    model: keras.Model, data: Data, labels: Sequence[str] | None, texts: Mapping[str, Tokens]
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with output probabilities (batch, classes).

    `serving_default` has no strings, so that OpenVINO can run it. If the input has ids and `texts` has tokens for
    "text", the endpoints include `classify_text` and `embed_text`. They also do if the input is a text.
    """
    classes = Classes(model, labels)

    def probabilities(x: Any) -> Tensors:
        return {"probabilities": model(x, training=False)}

    endpoints = {"serving_default": data.endpoint(probabilities)}
    if classes.count:
        endpoints["classify"] = data.endpoint(probabilities, classes.classified, output_notes=classes.notes)
    endpoints |= embed(model, data)
    named = [name for name in ("classify", "embed") if name in endpoints]
    if "text" in texts and (sizes := table_sizes(model)):
        tokens = tokens_of(texts, "text", min(sizes))
        endpoints |= {f"{name}_text": tokens.text_endpoint(endpoints[name].parts) for name in named}
    elif data.kind == "text" and data.shape == (1,):
        endpoints |= {f"{name}_text": _of_texts(endpoints[name].parts, data) for name in named}
    endpoints |= image_file_endpoints(data, endpoints, named) | padded(model, data, endpoints, named)
    endpoints |= row_endpoints(data, endpoints, named)
    if "classify_text" in endpoints:
        endpoints["classify_text"] = replace(endpoints["classify_text"], output_notes=classes.notes)
    if not classes.count:
        return endpoints
    return endpoints | data.example_endpoint("classify_example", probabilities, classes.scored, method=CLASSIFY)


def classifier_of_several_inputs(
    model: keras.Model, plain: Endpoint, labels: Sequence[str] | None
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with several inputs and the output probabilities (batch, classes).

    Args:
        model: the model.
        plain: the endpoint that calls the model. Its output is `probabilities`.
        labels: names of the classes.
    """
    classes = Classes(model, labels)
    endpoints = {"serving_default": plain}
    if classes.count:
        parts = [*plain.parts, classes.classified]
        endpoints["classify"] = joined(parts, plain.inputs, plain.example, output_notes=classes.notes)
    return endpoints


def _of_texts(parts: Sequence[Part], data: Data) -> Endpoint:
    """Returns an endpoint that takes texts (batch,) instead of texts (batch, 1)."""

    def example(batch: int) -> Arrays:
        return {"text": data.example(batch)[data.kind][:, 0]}

    inputs = [tf.TensorSpec((None,), tf.string, name="text")]
    column = Part(lambda x: {data.kind: x[:, tf.newaxis]}, ("text",), partial(Columns, ("text",), data.kind))
    return joined([column, *parts], inputs, example)
