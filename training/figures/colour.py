"""Converts colour images to grey, and colours grey images with mean colours (the baseline for colourisation)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)  # weights of red, green and blue: ITU-R BT.601
LEVELS = 256


def to_grey(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Converts colour images `(n, height, width, 3)` to grey images `(n, height, width, 1)`, both in [0, 1]."""
    return np.asarray(np.clip(images @ GREY_WEIGHTS[:, None], 0, 1), np.float32)


class MeanColours:
    """Colours grey images with the mean colour of each of 256 grey levels in the training images.

    It is a baseline for colourisation: the best prediction of a pixel's colour from only the grey level of the pixel.

    Args:
        images: training images in colour, `(n, height, width, 3)`, in [0, 1].
    """

    def __init__(self, images: NDArray[np.float32]) -> None:
        colours = images.reshape(-1, 3)
        levels = _level(to_grey(images)).ravel()
        counts = np.bincount(levels, minlength=LEVELS)
        sums = np.stack([np.bincount(levels, weights=colours[:, i], minlength=LEVELS) for i in range(3)], axis=1)
        grey = np.linspace(0, 1, LEVELS)[:, None].repeat(3, axis=1)  # used for levels that no training pixel has
        self.table = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], grey).astype(np.float32)

    @classmethod
    def of(cls, table: NDArray[np.float32]) -> MeanColours:
        """Returns mean colours `(256, 3)` that were computed before."""
        colours = cls.__new__(cls)
        colours.table = table
        return colours

    def __call__(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colours grey images `(n, height, width, 1)`; returns `(n, height, width, 3)`."""
        return self.table[_level(grey[..., 0])]


def _level(grey: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.rint(grey * (LEVELS - 1)).astype(np.int64)
