"""Draws images with several digits (canvases), and records the box and the pixels of each digit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from . import mnist_5k

SOURCE = "canvases with digits of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0)"
SIDE = 64  # height and width of a canvas in pixels
MOST_DIGITS = 4
TRIES = 20  # attempts to find a free position for a digit
INK = 0.25  # smallest value of a pixel that belongs to a digit
BACKGROUND = 10
NO_OBJECT = -1
COUNTS = {"train": 8_000, "test": 1_000}


@dataclass(frozen=True)
class Canvases:
    """Canvases with their targets for segmentation and detection.

    Attributes:
        images: float32 `(n, 64, 64, 1)`, in [0, 1].
        masks: digit of each pixel, or `BACKGROUND`, int64 `(n, 64, 64)`.
        objects: digit, top, left, bottom and right of each digit, float32 `(n, 4, 5)`. The edges are fractions of the
            canvas's side. Unused rows have the digit −1 and edges of 0.
    """

    images: NDArray[np.float32]
    masks: NDArray[np.int64]
    objects: NDArray[np.float32]


def canvases() -> tuple[Canvases, Canvases]:
    """Returns the training canvases and the test canvases. They are the same at each call.

    Training canvases contain training digits of mnist_5k, and test canvases contain test digits of mnist_5k.
    """
    digits: Dataset = mnist_5k.load()
    rng = np.random.default_rng(0)
    return (
        _draw(digits.x_train, digits.y_train, COUNTS["train"], rng),
        _draw(digits.x_test, digits.y_test, COUNTS["test"], rng),
    )


def _draw(digits: NDArray[np.float32], labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> Canvases:
    drawn = Canvases(
        np.zeros((count, SIDE, SIDE, 1), np.float32),
        np.full((count, SIDE, SIDE), BACKGROUND, np.int64),
        np.tile(np.array([NO_OBJECT, 0, 0, 0, 0], np.float32), (count, MOST_DIGITS, 1)),
    )
    for index in range(count):
        placed = 0
        for which in rng.integers(len(digits), size=rng.integers(1, MOST_DIGITS + 1)):
            box = _place(drawn.images[index], drawn.masks[index], digits[which], int(labels[which]), rng)
            if box is not None:
                drawn.objects[index, placed] = (labels[which], *(edge / SIDE for edge in box))
                placed += 1
    return drawn


def _place(
    canvas: NDArray[np.float32],
    mask: NDArray[np.int64],
    digit: NDArray[np.float32],
    label: int,
    rng: np.random.Generator,
) -> tuple[int, int, int, int] | None:
    """Crops a digit to its ink, and draws it on the canvas and the mask at a random free position.

    Returns:
        The top, left, bottom and right edges of the digit in pixels, or None if no free position was found.
    """
    rows, columns = np.nonzero(digit[..., 0] >= INK)
    cropped = digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]  # (height, width, 1)
    height, width = cropped.shape[:2]
    for _ in range(TRIES):
        top, left = int(rng.integers(SIDE - height + 1)), int(rng.integers(SIDE - width + 1))
        area = np.s_[top : top + height, left : left + width]
        if not canvas[area].any():
            canvas[area] = cropped
            mask[area][cropped[..., 0] >= INK] = label
            return top, left, top + height, left + width
    return None
