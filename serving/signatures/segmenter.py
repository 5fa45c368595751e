"""The endpoints of models that say of each pixel what it belongs to."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ..errors import InvalidArgument
from .base import Data, Endpoint, Tensors, embed

MAX_CLASSES = 256  # of a mask: a byte for each pixel, as mask files have it


def segmenter(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """What gives probabilities (batch, height, width, classes), the last class being the background.

    Raises InvalidArgument for more classes than a byte can tell.
    """
    classes = model.outputs[0].shape[-1]
    if classes > MAX_CLASSES:
        raise InvalidArgument(f"Expected at most {MAX_CLASSES} classes of pixels. Received: {classes}")

    def probabilities(x: Any) -> Tensors:
        return {"pixel_probabilities": model(x, training=False)}

    def segment(x: Any) -> Tensors:
        p = model(x, training=False)  # (batch, height, width, classes)
        return {"mask": tf.cast(tf.argmax(p, -1), tf.uint8), "confidence": tf.reduce_max(p, -1)}

    found = {"serving_default": data.endpoint(probabilities), "segment": data.endpoint(segment)}
    found |= embed(model, data)
    return found | data.over_files(found, ("segment", "embed"))
