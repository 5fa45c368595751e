"""Endpoints of classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ..core.checks import CLASSIFY
from ..core.predictions import CLASSES, SCORES
from .base import Data, Endpoint, Tensors, embed, label_names, table_sizes
from .padded import padded
from .tokens import Tokens, tokens_of


def classifier(
    model: keras.Model, data: Data, labels: Sequence[str] | None, texts: Mapping[str, Tokens]
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with output probabilities (batch, classes).

    `serving_default` has no strings, so that OpenVINO can run it. If the input has ids and `texts` has tokens for
    "text", the endpoints include `classify_text` and `embed_text`.
    """
    names = label_names(labels, model.outputs[0].shape[-1])

    def probabilities(x: Any) -> Tensors:
        return {"probabilities": model(x, training=False)}

    def classify(x: Any) -> Tensors:
        p = model(x, training=False)  # (batch, classes)
        best = tf.gather(tf.constant(names), tf.argmax(p, -1))
        return {"probabilities": p, "label": best, "score": tf.reduce_max(p, -1)}

    def scored(x: Any) -> Tensors:
        """Returns all classes with their scores, in the order of the labels, as TensorFlow's own classifiers do."""
        p = model(x, training=False)
        return {CLASSES: tf.broadcast_to(tf.constant(names), tf.shape(p)), SCORES: p}

    endpoints = {"serving_default": data.endpoint(probabilities), "classify": data.endpoint(classify)}
    endpoints |= embed(model, data)
    named = [name for name in ("classify", "embed") if name in endpoints]
    if "text" in texts and (sizes := table_sizes(model)):
        tokens = tokens_of(texts, "text", min(sizes))
        endpoints |= {f"{name}_text": tokens.text_endpoint(endpoints[name].function) for name in named}
    endpoints |= data.image_file_endpoints(endpoints, named) | padded(model, data, endpoints, named)
    return endpoints | data.example_endpoint("classify_example", scored, CLASSIFY)
