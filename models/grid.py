"""Converts objects (labelled boxes) to a detector's grid of cells, and predictions back to objects. Uses only NumPy.

A box is (top, left, bottom, right), as fractions of the image's height and width. The image is divided into a grid of
`rows` × `columns` cells. An object belongs to the cell that contains the centre of the object's box. Cells are numbered
row by row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class Objects:
    """The objects in one image.

    Attributes:
        boxes: the box of each object, `(objects, 4)`, float32.
        labels: the class of each object, `(objects,)`, int32, from 0.
        scores: the probability of each label, `(objects,)`, float32. The score of a true label is 1.
    """

    boxes: Floats
    labels: Integers
    scores: Floats


def encode(boxes: Floats, labels: Integers, rows: int, columns: int, classes: int) -> tuple[Integers, Floats]:
    """Returns the training targets of one image.

    If two objects have their centre in the same cell, the larger object is kept.

    Args:
        boxes: boxes of the image's objects, `(objects, 4)`.
        labels: classes of the objects, `(objects,)`, from 0 to `classes` − 1.
        rows: number of rows of the grid.
        columns: number of columns of the grid.
        classes: number of classes. A cell without an object has the class number `classes`.

    Returns:
        The class of each cell, `(cells,)`, int32, and the box and weight of each cell, `(cells, 5)`, float32. A cell
        with an object has the weight 1. A cell without an object has five zeros. The classes are the targets of
        `CellCrossentropy`. The boxes and weights are the targets of `BoxDistance`.

    Example:

        >>> cell_classes, cell_boxes = encode(np.array([[0, 0, 0.5, 0.5]]), np.array([3]), 2, 2, classes=10)
        >>> cell_classes.tolist()
        [3, 10, 10, 10]
        >>> cell_boxes[0].tolist()
        [0.0, 0.0, 0.5, 0.5, 1.0]
    """
    cell_classes = np.full(rows * columns, classes, np.int32)
    cell_boxes = np.zeros((rows * columns, 5), np.float32)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    for index in np.argsort(_areas(boxes), kind="stable"):  # a larger object overwrites a smaller one
        top, left, bottom, right = boxes[index]
        row = min(int((top + bottom) / 2 * rows), rows - 1)
        column = min(int((left + right) / 2 * columns), columns - 1)
        cell_classes[row * columns + column] = labels[index]
        cell_boxes[row * columns + column] = (*boxes[index], 1)
    return cell_classes, cell_boxes


def decode(cell_probabilities: Floats, cell_boxes: Floats, overlap: float = 0.5) -> Objects:
    """Returns the detected objects of one image, the highest score first.

    A cell contains an object if the most probable class of the cell is not "no object". An object near the border of
    two cells may be detected in both cells. So if two boxes overlap by more than `overlap`, the box with the lower
    score is removed, whatever the two labels are (non-maximum suppression).

    Args:
        cell_probabilities: `(cells, classes + 1)`; the last column is for "no object".
        cell_boxes: `(cells, 4)`; further columns, such as a weight, are ignored.
        overlap: the largest allowed intersection over union of two detected boxes, from 0 to 1.
    """
    labels = cell_probabilities.argmax(axis=1)
    scores = cell_probabilities.max(axis=1)
    candidates = np.flatnonzero(labels < cell_probabilities.shape[1] - 1)
    cells: list[int] = []
    for cell in candidates[np.argsort(-scores[candidates], kind="stable")]:
        if not cells or intersection_over_union(cell_boxes[[cell], :4], cell_boxes[cells, :4]).max() <= overlap:
            cells.append(int(cell))
    return Objects(cell_boxes[cells, :4], labels[cells].astype(np.int32), scores[cells])


def intersection_over_union(first: Floats, second: Floats) -> Floats:
    """Returns the intersection over union of each pair of boxes, `(n, m)`, from 0 to 1.

    Args:
        first: n boxes `(n, 4)`.
        second: m boxes `(m, 4)`.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])  # (n, m, 2): top and left of the intersection
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = np.prod(np.maximum(high - low, 0), axis=-1)
    union = _areas(first)[:, None] + _areas(second)[None, :] - intersection
    ratios: Floats = intersection / np.maximum(union, np.finfo(np.float32).tiny)
    return ratios


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas
