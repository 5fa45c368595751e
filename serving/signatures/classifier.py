"""The endpoints of models that say which of several classes their input is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..checks import CLASSIFY
from ..heads import CLASSES, SCORES
from .base import Data, Endpoint, Tensors, embed, label_names


def classifier(model: keras.Model, data: Data, labels: Sequence[str] | None) -> dict[str, Endpoint]:
    """What gives probabilities (batch, classes). `serving_default` has no strings, so that OpenVINO can run it."""
    names = label_names(labels, model.outputs[0].shape[-1])

    def probabilities(x: Any) -> Tensors:
        return {"probabilities": model(x, training=False)}

    def classify(x: Any) -> Tensors:
        p = model(x, training=False)  # (batch, classes)
        best = tf.gather(tf.constant(names), tf.argmax(p, -1))
        return {"probabilities": p, "label": best, "score": tf.reduce_max(p, -1)}

    def scored(x: Any) -> Tensors:
        """All classes in their own order, not sorted: what TensorFlow's own classifiers answer Classify with."""
        p = model(x, training=False)
        return {CLASSES: tf.broadcast_to(tf.constant(names), tf.shape(p)), SCORES: p}

    found = {"serving_default": data.endpoint(probabilities), "classify": data.endpoint(classify)}
    found |= embed(model, data)
    found |= data.over_files(found, ("classify", "embed"))
    return found | data.over_examples("classify_example", scored, CLASSIFY)
