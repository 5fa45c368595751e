"""Tests of `detector`: its outputs for each cell, and its losses."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.grid import decode, encode
from keras_gallery.models.losses import BoxDistance, CellCrossentropy

from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
BOXES = np.array([[0.1, 0.1, 0.5, 0.5], [0.4, 0.6, 0.9, 0.94]], np.float32)
LABELS = np.array([3, 7])


@pytest.mark.parametrize(("shape", "classes", "cells"), [((64, 64, 1), 10, 64), ((24, 32, 3), 2, 12)])
def test_a_class_and_a_box_for_each_cell(shape: tuple[int, int, int], classes: int, cells: int) -> None:
    model = create("detector", image_shape=shape, classes=classes)
    randomise(model)
    found = {key: to_numpy(value) for key, value in model(RANDOM.random((2, *shape), dtype=np.float32)).items()}
    assert {key: value.shape for key, value in found.items()} == {
        "cell_probabilities": (2, cells, classes + 1),
        "cell_boxes": (2, cells, 4),
    }
    np.testing.assert_allclose(found["cell_probabilities"].sum(axis=-1), 1, rtol=1e-5)


def test_cell_order_is_row_by_row() -> None:
    """Cells are numbered row by row: an object in row 2 and column 5 (from 0) changes the outputs around this cell.

    The convolutions of an untrained network spread a change evenly, so the change has its centre near this cell.
    """
    keras.utils.set_random_seed(0)
    model = create("detector")
    logits = keras.Model(model.input, model.get_layer("cells").output)
    x = np.zeros((1, 64, 64, 1), np.float32)
    empty = to_numpy(logits(x))
    x[:, 16:24, 40:48] = 1
    change = np.abs(to_numpy(logits(x)) - empty).sum(axis=-1).reshape(8, 8)
    row, column = (change * np.indices((8, 8))).sum(axis=(1, 2)) / change.sum()
    assert abs(row - 2) < 1 and abs(column - 5) < 1


def losses(cell_probabilities: np.ndarray, cell_boxes: np.ndarray) -> tuple[float, float]:
    """Returns the class loss and the box loss of an image with the objects `BOXES`, on a grid of 8 × 8 cells."""
    cell_classes, targets = encode(BOXES, LABELS, 8, 8, classes=10)
    return (
        float(CellCrossentropy()(cell_classes[None], cell_probabilities[None])),
        float(BoxDistance()(targets[None], cell_boxes[None])),
    )


def test_loss_is_zero_for_correct_output() -> None:
    """The boxes of cells without an object do not change the loss."""
    cell_classes, targets = encode(BOXES, LABELS, 8, 8, classes=10)
    boxes = np.where(targets[:, 4:] > 0, targets[:, :4], 0.7).astype(np.float32)
    certain = np.eye(11, dtype=np.float32)[cell_classes]
    by_classes, by_boxes = losses(certain, boxes)
    assert by_classes < 1e-4 and by_boxes == 0
    found = decode(certain, boxes)
    np.testing.assert_array_equal(found.boxes, BOXES)
    np.testing.assert_array_equal(found.labels, LABELS)


def test_loss_of_wrong_output() -> None:
    """The class loss is the sum of −log p̂ over all cells.

    The box loss is the sum of the distances of the four edges over the cells with an object.
    """
    cell_classes, targets = encode(BOXES, LABELS, 8, 8, classes=10)
    p_hat = RANDOM.dirichlet(np.ones(11), 64).astype(np.float32)
    boxes = RANDOM.random((64, 4), dtype=np.float32)
    by_classes, by_boxes = losses(p_hat, boxes)
    expected = -sum(np.log(p_hat[cell, label]) for cell, label in enumerate(cell_classes))
    np.testing.assert_allclose(by_classes, expected, rtol=1e-4)
    edges = [np.abs(boxes[cell] - targets[cell, :4]).sum() for cell in np.flatnonzero(cell_classes < 10)]
    assert len(edges) == 2
    np.testing.assert_allclose(by_boxes, sum(edges), rtol=1e-5)


def test_cell_boxes_can_return_the_true_boxes() -> None:
    """If its inputs are calculated by inverting the sigmoids, `CellBoxes` returns the true boxes."""
    model = create("detector")
    _, targets = encode(BOXES, LABELS, 8, 8, classes=10)
    centre, size = (BOXES[:, :2] + BOXES[:, 2:]) / 2, BOXES[:, 2:] - BOXES[:, :2]
    shares = np.concatenate([centre * 8 % 1, size], axis=1)
    offsets = np.zeros((1, 8, 8, 4), np.float32)
    rows, columns = (centre * 8).astype(int).T
    offsets[0, rows, columns] = np.log(shares / (1 - shares))
    found = to_numpy(model.get_layer("cell_boxes")(offsets))[0]
    np.testing.assert_allclose(found[rows * 8 + columns], BOXES, atol=1e-5)
    np.testing.assert_array_equal(np.flatnonzero(targets[:, 4]), rows * 8 + columns)


def test_sides_that_cannot_be_halved_are_rejected() -> None:
    with pytest.raises(BadHyperparameter, match=r"multiples of 8. Received: \(60, 64, 1\)"):
        create("detector", image_shape=(60, 64, 1))
