"""Pictures with several digits on them, of which everything is known: where each one is, and which pixels are its."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from . import mnist_5k

SIDE = 64  # of a canvas, in pixels
MOST_DIGITS = 4
TRIES = 20  # for a place that no other digit has
INK = 0.25  # from which value on a pixel is a digit's
BACKGROUND = 10
NO_OBJECT = -1
COUNTS = {"train": 8_000, "test": 1_000}


@dataclass(frozen=True)
class Canvases:
    """Canvases and what is on them.

    Attributes:
        images: float32 `(n, 64, 64, 1)`, in [0, 1].
        masks: int64 `(n, 64, 64)`: the digit that a pixel is of, `BACKGROUND` for none.
        objects: float32 `(n, 4, 5)`: digit, top, left, bottom and right of its ink as fractions; rows of −1 and zeros
            where there are fewer.
    """

    images: NDArray[np.float32]
    masks: NDArray[np.int64]
    objects: NDArray[np.float32]


def canvases() -> tuple[Canvases, Canvases]:
    """Canvases for training, of mnist_5k's training digits, and for testing, of its test digits; always the same."""
    digits: Dataset = mnist_5k.load()
    rng = np.random.default_rng(0)
    return (
        _draw(digits.x_train, digits.y_train, COUNTS["train"], rng),
        _draw(digits.x_test, digits.y_test, COUNTS["test"], rng),
    )


def _draw(digits: NDArray[np.float32], labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> Canvases:
    found = Canvases(
        np.zeros((count, SIDE, SIDE, 1), np.float32),
        np.full((count, SIDE, SIDE), BACKGROUND, np.int64),
        np.tile(np.array([NO_OBJECT, 0, 0, 0, 0], np.float32), (count, MOST_DIGITS, 1)),
    )
    for index in range(count):
        placed = 0
        for which in rng.integers(len(digits), size=rng.integers(1, MOST_DIGITS + 1)):
            box = _place(found.images[index], found.masks[index], digits[which], int(labels[which]), rng)
            if box is not None:
                found.objects[index, placed] = (labels[which], *(edge / SIDE for edge in box))
                placed += 1
    return found


def _place(
    canvas: NDArray[np.float32],
    mask: NDArray[np.int64],
    digit: NDArray[np.float32],
    label: int,
    rng: np.random.Generator,
) -> tuple[int, int, int, int] | None:
    """Puts a digit, cut to its ink, where there is no other; its top, left, bottom and right, None without room."""
    rows, columns = np.nonzero(digit[..., 0] >= INK)
    cut = digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]  # (height, width, 1)
    height, width = cut.shape[:2]
    for _ in range(TRIES):
        top, left = int(rng.integers(SIDE - height + 1)), int(rng.integers(SIDE - width + 1))
        place = np.s_[top : top + height, left : left + width]
        if not canvas[place].any():
            canvas[place] = cut
            mask[place][cut[..., 0] >= INK] = label
            return top, left, top + height, left + width
    return None
