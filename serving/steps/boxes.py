"""Finds objects among the boxes that a detector predicts for the cells of an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...preparation.fields import Fields
from .base import Array, Arrays, Graphs, Step
from .classes import encoded


@dataclass(frozen=True)
class Boxes(Step):
    """Adds the objects of each image: `boxes` in pixels, `scores`, `labels` (bytes), and their `count`.

    The objects have descending scores. A box is removed if its overlap with a box of a higher score is too large
    (non-maximum suppression). Unused rows have zeros and the label "".

    Attributes:
        image: the array of images (batch, height, width, channels). Only its shape matters.
        probabilities: the array (batch, cells, classes + 1). The last class is "no object".
        boxes: the array (batch, cells, 4) of the top, left, bottom and right, as fractions of the image's sides.
        names: of the classes.
        most: number of boxes of an image.
        overlap: largest intersection over union of two boxes.
    """

    kind = "boxes 1"
    image: str
    probabilities: str
    boxes: str
    names: tuple[str, ...]
    most: int
    overlap: float

    @classmethod
    def read(cls, content: Fields) -> Boxes:
        return cls(
            content.string("image"),
            content.string("probabilities"),
            content.string("boxes"),
            tuple(content.strings("names")),
            content.integer("most", least=1),
            content.number("overlap", least=0, most=1),
        )

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        p, boxes = arrays[self.probabilities], arrays[self.boxes]
        height, width = arrays[self.image].shape[1:3]
        best = p.argmax(-1)  # (batch, cells)
        scores = np.where(best < len(self.names), p.max(-1), -1)  # −1 if "no object" is most likely
        cells = suppressed(boxes, scores, self.most, self.overlap)
        is_used = cells >= 0  # (batch, most)
        cells = np.maximum(cells, 0)
        inside = np.take_along_axis(boxes, cells[..., None], 1).clip(0, 1) * np.array(
            [height, width, height, width], boxes.dtype
        )
        label = np.where(is_used, np.take_along_axis(best, cells, 1), len(self.names))  # the last label is ""
        return {
            "boxes": np.where(is_used[..., None], inside, 0),
            "scores": np.where(is_used, np.take_along_axis(scores, cells, 1), 0),
            "labels": self._labels[label],
            "count": is_used.sum(-1, dtype=np.int32),
        }

    @cached_property
    def _labels(self) -> Array:
        return encoded((*self.names, ""))


def suppressed(boxes: Array, scores: Array, most: int, overlap: float) -> Array:
    """Applies non-maximum suppression to each image, as `tf.image.non_max_suppression` does.

    Args:
        boxes: (batch, cells, 4): two opposite corners (y, x, y, x).
        scores: (batch, cells). Cells with a score of at most 0 are ignored.
        most: number of boxes of an image.
        overlap: a box is removed if its intersection over union with a box of a higher score is above this limit. Of
            equal scores, the first counts as higher.

    Returns:
        the remaining cells (batch, most) with descending scores, padded with −1.
    """
    top, left = np.minimum(boxes[..., 0], boxes[..., 2]), np.minimum(boxes[..., 1], boxes[..., 3])
    bottom, right = np.maximum(boxes[..., 0], boxes[..., 2]), np.maximum(boxes[..., 1], boxes[..., 3])
    with np.errstate(all="ignore"):  # boxes of any size
        area = (bottom - top) * (right - left)
        rest = np.where(scores > 0, scores, -np.inf)  # (batch, cells)
        images = np.arange(len(boxes))
        cells = np.full((len(boxes), most), -1)
        for place in range(most):
            cell = rest.argmax(-1)  # (batch,): the first of equal scores
            is_found = rest[images, cell] > 0
            if not is_found.any():
                break
            cells[is_found, place] = cell[is_found]
            height = np.minimum(bottom, _at(bottom, cell)) - np.maximum(top, _at(top, cell))
            width = np.minimum(right, _at(right, cell)) - np.maximum(left, _at(left, cell))
            both = np.maximum(height, 0) * np.maximum(width, 0)
            other = _at(area, cell)
            shared = np.where((area <= 0) | (other <= 0), 0, both / (area + other - both))
            rest[~(shared <= overlap)] = -np.inf  # also NaN, the overlap of boxes of infinite size
            rest[images, cell] = -np.inf
    return cells


def _at(values: Array, cell: Array) -> Array:
    """Returns the value (batch, 1) of one cell of each image."""
    return np.take_along_axis(values, cell[:, None], 1)
