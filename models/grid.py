"""What a detector learns from and answers, as objects: boxes with a class each. NumPy alone.

Boxes are (top, left, bottom, right), fractions of the image's height and width. A grid of `rows` × `columns` cells
lies over the image, and an object belongs to the cell that its box's centre is in; cells are counted row by row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class Objects:
    """The objects of one image.

    Attributes:
        boxes: `(objects, 4)`, float32.
        labels: `(objects,)`, int32, from 0.
        scores: `(objects,)`, float32: the probability of each label; 1 where it is known.
    """

    boxes: Floats
    labels: Integers
    scores: Floats


def encode(boxes: Floats, labels: Integers, rows: int, columns: int, classes: int) -> tuple[Integers, Floats]:
    """One image's targets.

    Where two objects have their centre in one cell the larger one stands, as it covers more of the image.

    Args:
        boxes: of the image's objects, `(objects, 4)`.
        labels: their classes, `(objects,)`, from 0 to `classes` − 1.
        rows: of the grid.
        columns: of the grid.
        classes: how many there are; also the class of a cell without an object.

    Returns:
        Each cell's class `(cells,)`, int32, and its box with its weight `(cells, 5)`, float32: weight 1 with an
        object, all zeros without one. Stacked over images they are the targets of `CellCrossentropy` and `BoxDistance`.
    """
    cell_classes = np.full(rows * columns, classes, np.int32)
    cell_boxes = np.zeros((rows * columns, 5), np.float32)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    for index in np.argsort(_areas(boxes), kind="stable"):  # the largest comes last, and stays
        top, left, bottom, right = boxes[index]
        row = min(int((top + bottom) / 2 * rows), rows - 1)
        column = min(int((left + right) / 2 * columns), columns - 1)
        cell_classes[row * columns + column] = labels[index]
        cell_boxes[row * columns + column] = (*boxes[index], 1)
    return cell_classes, cell_boxes


def decode(cell_probabilities: Floats, cell_boxes: Floats, overlap: float = 0.5) -> Objects:
    """One image's objects, the surest first.

    A cell speaks of an object where a class is likelier than none. Of two boxes that overlap by more than `overlap`
    the surer one stays: an object near the border of two cells may be seen by both.

    Args:
        cell_probabilities: `(cells, classes + 1)`, the last for no object.
        cell_boxes: `(cells, 4)`; more columns, such as a weight, are passed over.
        overlap: the intersection over union up to which two boxes are two objects.
    """
    labels = cell_probabilities.argmax(axis=1)
    scores = cell_probabilities.max(axis=1)
    found = np.flatnonzero(labels < cell_probabilities.shape[1] - 1)
    kept: list[int] = []
    for cell in found[np.argsort(-scores[found], kind="stable")]:
        if not kept or intersection_over_union(cell_boxes[[cell], :4], cell_boxes[kept, :4]).max() <= overlap:
            kept.append(int(cell))
    return Objects(cell_boxes[kept, :4], labels[kept].astype(np.int32), scores[kept])


def intersection_over_union(first: Floats, second: Floats) -> Floats:
    """Of each box `(n, 4)` with each box `(m, 4)`: `(n, m)`, from 0 to 1."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])  # (n, m, 2): top and left of what both cover
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    union = _areas(first)[:, None] + _areas(second)[None, :] - shared
    shares: Floats = shared / np.maximum(union, np.finfo(np.float32).tiny)
    return shares


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas
