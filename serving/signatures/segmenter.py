"""Endpoints of models that segment images: they classify each pixel."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from ..errors import InvalidArgument
from ..steps.classes import Segments
from .base import Data, Endpoint, Part, Tensors, embed
from .image_files import image_file_endpoints

MAX_CLASSES = 256  # a mask has one byte per pixel


def segmenter(model: keras.Model, data: Data) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with output probabilities (batch, height, width, classes).

    The last class is the background. Raises InvalidArgument for more than `MAX_CLASSES` classes.
    """
    classes = model.outputs[0].shape[-1]
    if classes > MAX_CLASSES:
        raise InvalidArgument(f"Expected at most {MAX_CLASSES} classes of pixels. Received: {classes}")

    def probabilities(x: Any) -> Tensors:
        return {"pixel_probabilities": model(x, training=False)}

    def segment(p: Any) -> Tensors:
        return {"mask": tf.cast(tf.argmax(p, -1), tf.uint8), "confidence": tf.reduce_max(p, -1)}

    name = "pixel_probabilities"
    endpoints = {
        "serving_default": data.endpoint(probabilities),
        "segment": data.endpoint(probabilities, Part(segment, (name,), partial(Segments, name))),
    }
    endpoints |= embed(model, data)
    return endpoints | image_file_endpoints(data, endpoints, ("segment", "embed"))
