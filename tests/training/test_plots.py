"""Pictures of a run: what is drawn, and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras_gallery.training.plots import image_strip, learning_curve
from matplotlib.image import imread


def test_strip_has_a_row_for_each_stage(tmp_path: Path) -> None:
    """White images in the first row, black ones in the second, codes of both signs in between."""
    white, black = np.ones((3, 8, 8, 1), np.float32), np.zeros((3, 8, 8, 1), np.float32)
    codes = np.array([[-1, 1], [1, -1], [-1, 1]], np.float32)
    image_strip(tmp_path / "a.png", "title", {"clean": black}, codes, {"denoised": white})
    pixels = imread(tmp_path / "a.png")[..., :3]
    column = pixels[:, pixels.shape[1] * 2 // 3]  # the second image, where its code is blue
    is_black = np.flatnonzero((column < 0.01).all(axis=1))
    is_blue = np.flatnonzero((column[:, 2] > 0.3) & (column[:, 0] < 0.1))
    assert len(is_black) > 50 and len(is_blue) > 10
    assert is_black.max() < is_blue.min()


def test_learning_curve(tmp_path: Path) -> None:
    """Two lines, of many pixels each."""
    learning_curve(tmp_path / "a.png", "title", {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.5, 1.8]}, 2)
    pixels = imread(tmp_path / "a.png")[..., :3]
    for colour in ((0x4C, 0x72, 0xB0), (0xDD, 0x84, 0x52)):
        assert (np.abs(pixels * 255 - colour).max(axis=-1) < 2).sum() > 300
