"""Grey pictures, and the colours that they have on average."""

import numpy as np
from numpy.typing import NDArray

GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue: ITU-R BT.601
LEVELS = 256


def to_grey(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour pictures `(n, height, width, 3)` as grey ones `(n, height, width, 1)`, both in [0, 1]."""
    return np.asarray(np.clip(images @ GREY_WEIGHTS[:, None], 0, 1), np.float32)


class MeanColours:
    """For each of 256 grey levels the mean colour that training pictures have there.

    What can be known of a pixel's colour without looking at its neighbours: the yardstick of colourisation.

    Args:
        images: colour pictures `(n, height, width, 3)`, in [0, 1].
    """

    def __init__(self, images: NDArray[np.float32]) -> None:
        colours = images.reshape(-1, 3)
        levels = _level(to_grey(images)).ravel()
        counts = np.bincount(levels, minlength=LEVELS)
        sums = np.stack([np.bincount(levels, weights=colours[:, i], minlength=LEVELS) for i in range(3)], axis=1)
        grey = np.linspace(0, 1, LEVELS)[:, None].repeat(3, axis=1)  # for levels never seen
        self.table = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], grey).astype(np.float32)

    def __call__(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        """Grey pictures `(n, height, width, 1)` as coloured ones `(n, height, width, 3)`."""
        return self.table[_level(grey[..., 0])]


def _level(grey: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.rint(grey * (LEVELS - 1)).astype(np.int64)
