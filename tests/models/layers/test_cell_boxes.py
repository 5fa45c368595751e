"""Compares the layer `CellBoxes` with NumPy."""

from __future__ import annotations

import numpy as np
from keras_gallery.models.layers.cell_boxes import CellBoxes

from ..layer_checks import from_config, to_numpy

RANDOM = np.random.default_rng(0)


def sigmoid(a: float) -> float:
    return float(1 / (1 + np.exp(-a)))


def test_each_cell_returns_a_box() -> None:
    x = RANDOM.normal(size=(2, 3, 4, 4)).astype(np.float32)
    found = to_numpy(CellBoxes()(x))
    assert found.shape == (2, 12, 4) == (2, *CellBoxes().compute_output_shape((None, 3, 4, 4))[1:])
    for image, row, column in np.ndindex(2, 3, 4):
        a, b, c, d = (sigmoid(value) for value in x[image, row, column])
        y, x_ = (row + a) / 3, (column + b) / 4
        expected = [y - c / 2, x_ - d / 2, y + c / 2, x_ + d / 2]
        np.testing.assert_allclose(found[image, row * 4 + column], expected, atol=1e-6)


def test_the_centre_of_each_box_is_in_its_cell() -> None:
    """In addition, the edges of each box are in order: top ≤ bottom and left ≤ right."""
    boxes = to_numpy(CellBoxes()(RANDOM.normal(0, 5, (50, 2, 3, 4)).astype(np.float32))).reshape(50, 2, 3, 4)
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2 * (2, 3)
    cells = np.stack(np.meshgrid(range(2), range(3), indexing="ij"), axis=-1)
    assert (centres > cells - 1e-5).all() and (centres < cells + 1 + 1e-5).all()
    assert (boxes[..., :2] <= boxes[..., 2:]).all()


def test_layer_can_be_rebuilt_from_config() -> None:
    from_config(CellBoxes(name="boxes"))
