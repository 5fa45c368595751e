"""The endpoints of models that say where in an image there is something, and what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .base import Data, Endpoint, Tensors, embed, label_names

PROBABILITIES, BOXES = "cell_probabilities", "cell_boxes"
MAX_BOXES = 16  # of an image
MAX_OVERLAP = 0.5  # intersection over union with a surer box, up to which a box is another object's


def detector(model: keras.Model, data: Data, labels: Sequence[str] | None) -> dict[str, Endpoint]:
    """What gives, for each cell of an image, the probabilities of what is centred in it, and its box.

    `cell_probabilities` (batch, cells, classes + 1), the last being that of nothing; `cell_boxes` (batch, cells, 4):
    top, left, bottom, right, as fractions of the image's height and width.
    """
    names = label_names(labels, model.output[PROBABILITIES].shape[-1] - 1)

    def answer(x: Any) -> Tensors:
        return dict(model(x, training=False))

    def detect(x: Any) -> Tensors:
        """Boxes in pixels, cut at the image's edge, the surest first; after the last one, rows of zeros and ""."""
        found = model(x, training=False)
        p, boxes = found[PROBABILITIES], found[BOXES]
        best = tf.argmax(p, -1, tf.int32)  # (batch, cells)
        scores = tf.where(best < len(names), tf.reduce_max(p, -1), -1.0)  # below any other where nothing is likeliest
        cells = tf.map_fn(_surest, (boxes, scores), fn_output_signature=tf.TensorSpec((MAX_BOXES,), tf.int32))
        there = cells >= 0  # (batch, MAX_BOXES)
        cells = tf.maximum(cells, 0)
        height, width = tf.unstack(tf.cast(tf.shape(x)[1:3], tf.float32))
        inside = tf.clip_by_value(tf.gather(boxes, cells, batch_dims=1), 0.0, 1.0)
        label = tf.where(there, tf.gather(best, cells, batch_dims=1), len(names))  # the last is ""
        return {
            "boxes": tf.where(there[..., None], inside * tf.stack([height, width, height, width]), 0.0),
            "scores": tf.where(there, tf.gather(scores, cells, batch_dims=1), 0.0),
            "labels": tf.gather(tf.constant([*names, ""]), label),
            "count": tf.reduce_sum(tf.cast(there, tf.int32), -1),  # (batch,)
        }

    found = {"serving_default": data.endpoint(answer), "detect": data.endpoint(detect)}
    found |= embed(model, data)
    return found | data.over_files(found, ("detect", "embed"))


def _surest(cells: Any) -> Any:
    """Non-maximum suppression over the boxes (cells, 4) and scores (cells,) of one image, whatever their classes.

    Gives the cells that are left, the surest first, and −1 up to `MAX_BOXES`.
    """
    boxes, scores = cells
    kept = tf.image.non_max_suppression(boxes, scores, MAX_BOXES, MAX_OVERLAP, score_threshold=0.0)
    return tf.pad(kept, [[0, MAX_BOXES - tf.size(kept)]], constant_values=-1)
