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
    corners = np.moveaxis(boxes, -1, 0)  # (4, batch, cells)
    starts, ends = np.minimum(corners[:2], corners[2:]), np.maximum(corners[:2], corners[2:])
    rest = np.where(scores > 0, scores, 0)  # (batch, cells), 0 for those that are kept, removed or ignored
    images = np.arange(len(boxes))
    cells = np.full((len(boxes), most), -1)
    with np.errstate(all="ignore"):  # boxes of any size
        area = np.multiply(*(ends - starts))
        area[area <= 0] = 1  # such boxes share no area with others
        for place in range(most):
            cell = rest.argmax(-1)  # (batch,): the first of equal scores
            is_found = rest[images, cell] > 0
            if not is_found.any():
                break
            cells[:, place] = np.where(is_found, cell, -1)
            sides = np.minimum(ends, ends[:, images, cell, None]) - np.maximum(starts, starts[:, images, cell, None])
            both = np.multiply(*np.maximum(sides, 0))
            shared = both / (area + area[images, cell, None] - both)
            rest[~(shared <= overlap)] = 0  # also NaN, the overlap of boxes of infinite size
            rest[images, cell] = 0
    return cells
