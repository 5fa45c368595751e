"""Endpoints of object detectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from ..steps.boxes import Boxes
from .base import Data, Endpoint, Part, Tensors, embed, label_names
from .image_files import image_file_endpoints

PROBABILITIES, BOXES = "cell_probabilities", "cell_boxes"
MAX_BOXES = 16  # per image
MAX_OVERLAP = 0.5  # a box is removed if its intersection over union with a box of higher score is above this limit


def detector(model: keras.Model, data: Data, labels: Sequence[str] | None) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that predicts an object and its box for each cell of an image.

    The model has two outputs. `cell_probabilities` (batch, cells, classes + 1) has the class probabilities of the
    object whose centre is in the cell. The last class is "no object". `cell_boxes` (batch, cells, 4) has the top, left,
    bottom and right of the box, as fractions of the image's height and width.
    """
    names = label_names(labels, model.output[PROBABILITIES].shape[-1] - 1)

    def predict(x: Any) -> Tensors:
        return dict(model(x, training=False))

    def detect(p: Any, boxes: Any, x: Any) -> Tensors:
        """Returns boxes in pixels, clipped to the image, sorted by descending score. Unused rows have zeros and ""."""
        best = tf.argmax(p, -1, tf.int32)  # (batch, cells)
        scores = tf.where(best < len(names), tf.reduce_max(p, -1), -1.0)  # −1 if "no object" is most likely
        cells = tf.map_fn(_suppress, (boxes, scores), fn_output_signature=tf.TensorSpec((MAX_BOXES,), tf.int32))
        is_used = cells >= 0  # (batch, MAX_BOXES)
        cells = tf.maximum(cells, 0)
        height, width = tf.unstack(tf.cast(tf.shape(x)[1:3], tf.float32))
        inside = tf.clip_by_value(tf.gather(boxes, cells, batch_dims=1), 0.0, 1.0)
        label = tf.where(is_used, tf.gather(best, cells, batch_dims=1), len(names))  # the last label is ""
        return {
            "boxes": tf.where(is_used[..., None], inside * tf.stack([height, width, height, width]), 0.0),
            "scores": tf.where(is_used, tf.gather(scores, cells, batch_dims=1), 0.0),
            "labels": tf.gather(tf.constant([*names, ""]), label),
            "count": tf.reduce_sum(tf.cast(is_used, tf.int32), -1),  # (batch,)
        }

    step = partial(Boxes, data.kind, PROBABILITIES, BOXES, tuple(names), MAX_BOXES, MAX_OVERLAP)
    found = Part(detect, (PROBABILITIES, BOXES, data.kind), step)
    endpoints = {"serving_default": data.endpoint(predict), "detect": data.endpoint(predict, found)}
    endpoints |= embed(model, data)
    return endpoints | image_file_endpoints(data, endpoints, ("detect", "embed"))


def _suppress(cells: Any) -> Any:
    """Applies non-maximum suppression to the boxes (cells, 4) and scores (cells,) of one image. Ignores the classes.

    Returns the indices of the remaining cells (`MAX_BOXES`,), sorted by descending score and padded with −1.
    """
    boxes, scores = cells
    selected = tf.image.non_max_suppression(boxes, scores, MAX_BOXES, MAX_OVERLAP, score_threshold=0.0)
    return tf.pad(selected, [[0, MAX_BOXES - tf.size(selected)]], constant_values=-1)
