"""Tests of the pictures of word vectors: positions of points, and sizes of tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras_gallery.training.pictures import vectors as vector_plots
from keras_gallery.training.pictures._canvas import COLOURS
from matplotlib.colors import to_rgb
from matplotlib.image import imread


def test_each_point_is_drawn_at_its_position(tmp_path: Path) -> None:
    points = np.float32([[0, 0], [10, 0], [0, 10]])
    vector_plots.named_points(tmp_path / "a.png", "title", points, ["", "", ""], "t-SNE", side=4)
    rows, columns = np.nonzero((np.abs(imread(tmp_path / "a.png")[..., :3] - to_rgb(COLOURS[0])) < 0.05).all(axis=-1))
    height, width = imread(tmp_path / "a.png").shape[:2]
    cells = {(int(row * 3 // height), int(column * 3 // width)) for row, column in zip(rows, columns, strict=True)}
    assert cells == {(2, 0), (2, 2), (0, 0)}  # (row, column) in a grid of 3 × 3, from the top left


def test_size_of_a_table_grows_with_its_rows_and_columns(tmp_path: Path) -> None:
    few, many = tmp_path / "few.png", tmp_path / "many.png"
    vector_plots.neighbour_table(few, "title", ["war"], [[("army", 0.9)]])
    vector_plots.neighbour_table(many, "title", ["war", "sea", "sky"], [[("army", 0.9), ("peace", 0.8)]] * 3)
    (height, width), (taller, wider) = (imread(path).shape[:2] for path in (few, many))
    assert taller > height + 40 and wider > width + 100
    ink = imread(many)[..., :3].mean(axis=-1) < 0.5
    assert (ink.reshape(taller, -1).any(axis=1)).sum() > 4 * 6  # title, headings and three rows of text
