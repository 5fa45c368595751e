"""Tests of the pictures of predictions: the colours and positions of their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras_gallery.training.pictures import answers as answer_plots
from keras_gallery.training.pictures._canvas import COLOURS
from matplotlib.colors import to_rgb
from matplotlib.image import imread


def where(path: Path, colour: object) -> np.ndarray:
    """Returns a mask (height, width): True for the pixels of the file that have approximately the colour."""
    return (np.abs(imread(path)[..., :3] - np.asarray(colour)) < 0.03).all(axis=-1)


def test_confusion_matrix_of_correct_predictions_is_diagonal(tmp_path: Path) -> None:
    answer_plots.confusion_matrix(tmp_path / "a.png", "title", np.diag([5, 5, 5]), ["a", "b", "c"])
    dark = where(tmp_path / "a.png", to_rgb("#08306b"))  # the end of ColorBrewer's Blues
    rows, columns = np.nonzero(dark)
    assert dark.sum() > 3_000
    assert np.corrcoef(rows, columns)[0, 1] > 0.8  # along the diagonal


def test_masks_are_drawn_in_the_colours_of_their_classes(tmp_path: Path) -> None:
    images = np.zeros((2, 16, 16, 1), np.float32)
    true, predicted = np.full((2, 16, 16), 2), np.full((2, 16, 16), 2)
    true[:, :8], predicted[:, 8:] = 0, 1
    masks = {"true": true, "predicted": predicted}
    answer_plots.mask_rows(tmp_path / "a.png", "title", images, masks, ["a", "b", "background"])
    first, second = (where(tmp_path / "a.png", to_rgb(colour)) for colour in COLOURS[:2])
    assert first.sum() == second.sum() == 2 * 64 * 32  # half of each of 2 masks, which are drawn 4 times as large
    assert np.nonzero(first)[0].max() < np.nonzero(second)[0].min()


def test_boxes_are_drawn_at_their_positions(tmp_path: Path) -> None:
    images = np.zeros((1, 64, 64, 1), np.float32)
    answer_plots.boxes(tmp_path / "a.png", "title", images, [[("7 90%", np.array([0.5, 0.0, 1.0, 0.5]))]])
    rows, columns = np.nonzero(where(tmp_path / "a.png", 0))
    box_rows, box_columns = np.nonzero(where(tmp_path / "a.png", to_rgb(answer_plots.EDGE)))
    assert abs(box_rows.max() - rows.max()) < 5
    assert abs(np.median(box_columns[box_rows > box_rows.max() - 3]) - np.quantile(columns, 0.25)) < 8


def test_feature_maps_scatter_and_labels(tmp_path: Path) -> None:
    maps = [("conv", np.random.default_rng(0).random((8, 8, 5), np.float32))]
    answer_plots.feature_maps(tmp_path / "maps.png", "title", np.zeros((8, 8, 1), np.float32), maps)
    values = np.linspace(0, 1, 20, dtype=np.float32)
    answer_plots.scatter(tmp_path / "scatter.png", "title", values, 1 - values, "value")
    rows, columns = np.nonzero(where(tmp_path / "scatter.png", to_rgb(COLOURS[0])))
    assert np.corrcoef(rows, columns)[0, 1] > 0.9  # rows count from the top
    answer_plots.labelled_images(
        tmp_path / "words.png", "title", np.zeros((2, 8, 8, 1), np.float32), ["4:\n9?", "1:\n7?"]
    )
    assert where(tmp_path / "words.png", 0).sum() >= 2 * 56 * 56
    assert imread(tmp_path / "maps.png").std() > 0.05
