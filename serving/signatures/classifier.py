"""The endpoints of models that say which of several classes their input is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ..core.checks import CLASSIFY
from ..core.predictions import CLASSES, SCORES
from .base import Data, Endpoint, Tensors, embed, label_names, table_sizes
from .padded import padded
from .tokens import Tokens, of_size


def classifier(
    model: keras.Model, data: Data, labels: Sequence[str] | None, texts: Mapping[str, Tokens]
) -> dict[str, Endpoint]:
    """What gives probabilities (batch, classes). `serving_default` has no strings, so that OpenVINO can run it.

    Of ids of a text, where `texts` has their names, there are `classify_text` and `embed_text`.
    """
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
    named = [name for name in ("classify", "embed") if name in found]
    if "text" in texts and (sizes := table_sizes(model)):
        tokens = of_size(texts, "text", min(sizes))
        found |= {f"{name}_text": tokens.over(found[name].function) for name in named}
    found |= data.over_files(found, named) | padded(model, data, found, named)
    return found | data.over_examples("classify_example", scored, CLASSIFY)
