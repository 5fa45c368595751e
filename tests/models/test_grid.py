"""Tests of `models.grid`, which converts objects to grid cells and back."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models.grid import decode, encode, intersection_over_union

RANDOM = np.random.default_rng(0)
BOXES = np.array([[0.0, 0.0, 0.4, 0.4], [0.5, 0.1, 0.9, 0.3], [0.6, 0.6, 1.0, 1.0]], np.float32)
LABELS = np.array([3, 1, 4], np.int32)


def certain(cell_classes: np.ndarray, classes: int) -> np.ndarray:
    """Returns probabilities: 1 for the class of each cell and 0 for all other classes."""
    return np.eye(classes + 1, dtype=np.float32)[cell_classes]


def test_object_belongs_to_the_cell_of_its_centre() -> None:
    """The centres are (0.2, 0.2), (0.7, 0.2) and (0.8, 0.8). The grid has 2 rows and 4 columns."""
    cell_classes, cell_boxes = encode(BOXES, LABELS, 2, 4, classes=5)
    assert cell_classes.tolist() == [3, 5, 5, 5, 1, 5, 5, 4]
    for cell, index in ((0, 0), (4, 1), (7, 2)):
        np.testing.assert_array_equal(cell_boxes[cell], [*BOXES[index], 1])
    np.testing.assert_array_equal(np.delete(cell_boxes, [0, 4, 7], axis=0), 0)
    assert cell_classes.dtype == np.int32 and cell_boxes.dtype == np.float32


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (5, 9)])
def test_decoded_objects_equal_the_encoded_objects(rows: int, columns: int) -> None:
    """The random objects are in different cells and so small that they overlap little."""
    for _ in range(20):
        cells = RANDOM.choice(rows * columns, 4, replace=False)
        centres = (np.stack(np.divmod(cells, columns), axis=1) + RANDOM.uniform(0.05, 0.95, (4, 2))) / (rows, columns)
        half = RANDOM.uniform(0.01, 0.03, (4, 2))
        boxes = np.concatenate([centres - half, centres + half], axis=1).astype(np.float32)
        labels = RANDOM.integers(10, size=4)
        cell_classes, cell_boxes = encode(boxes, labels, rows, columns, classes=10)
        found = decode(certain(cell_classes, 10), cell_boxes, overlap=0.99)
        order = np.argsort(cells)
        np.testing.assert_array_equal(found.boxes, boxes[order])
        np.testing.assert_array_equal(found.labels, labels[order])
        np.testing.assert_array_equal(found.scores, 1)


def test_an_image_without_objects() -> None:
    cell_classes, cell_boxes = encode(np.zeros((0, 4), np.float32), np.zeros(0, np.int32), 2, 2, classes=5)
    assert cell_classes.tolist() == [5] * 4 and not cell_boxes.any()
    found = decode(certain(cell_classes, 5), cell_boxes)
    assert found.boxes.shape == (0, 4) and found.labels.shape == found.scores.shape == (0,)


def test_larger_of_two_objects_in_a_cell_is_kept() -> None:
    boxes = np.array([[0.1, 0.1, 0.5, 0.5], [0.2, 0.2, 0.4, 0.4]], np.float32)
    for order in ([0, 1], [1, 0]):
        cell_classes, cell_boxes = encode(boxes[order], np.array([7, 8])[order], 1, 1, classes=9)
        assert cell_classes.tolist() == [7]
        np.testing.assert_array_equal(cell_boxes[0, :4], boxes[0])


def test_a_centre_on_the_far_edge_is_in_the_last_cell() -> None:
    cell_classes, _ = encode(np.array([[1.0, 1.0, 1.0, 1.0]], np.float32), np.array([0]), 2, 2, classes=1)
    assert cell_classes.tolist() == [1, 1, 1, 0]


def test_overlapping_box_with_highest_score_is_kept() -> None:
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.45], [0.5, 0.5, 1, 1], [0, 0, 1, 1]], np.float32)
    probabilities = np.array([[0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]], np.float32)
    found = decode(probabilities, boxes)  # the last cell has no object
    np.testing.assert_array_equal(found.boxes, boxes[[1, 2]])
    assert found.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(found.scores, np.float32([0.8, 0.5]))
    assert len(decode(probabilities, boxes, overlap=0.95).labels) == 3


def test_intersection_over_union() -> None:
    """The expected values are counted from the pixels of masks."""
    corners = np.sort(RANDOM.integers(0, 30, (12, 2, 2)), axis=1).astype(np.float32)  # two corners of each box
    corners[:, 1] += 1
    boxes = corners.reshape(12, 4) / 32
    masks = np.zeros((12, 32, 32), bool)
    for mask, box in zip(masks, (boxes * 32).astype(int), strict=True):
        mask[box[0] : box[2], box[1] : box[3]] = True
    both = (masks[:, None] & masks[None]).sum(axis=(2, 3))
    either = (masks[:, None] | masks[None]).sum(axis=(2, 3))
    np.testing.assert_allclose(intersection_over_union(boxes, boxes), both / either, atol=1e-5)
    empty_box = np.zeros((1, 4), np.float32)
    assert intersection_over_union(empty_box, empty_box).tolist() == [[0.0]]
