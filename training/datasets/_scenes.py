"""Draws images of two groups of equal digits, one above or left of the other, and says in a sentence what they show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import mnist_5k
from ._canvases import SIDE
from .digit_names import NAMES

CELL = SIDE // 2  # each of the four quarters may have a digit of 28×28 pixels
TRAINING, TEST = 12_000, 1_000
COUNTS = ("a", "two")
PLACES = ("above", "beside")


class Scenes(NamedTuple):
    """Images, and what they show.

    Attributes:
        images: float32 `(n, 64, 64, 1)`, in [0, 1].
        sentences: a sentence for each image, such as "a seven above two threes".
    """

    images: NDArray[np.float32]
    sentences: list[str]


def scenes() -> tuple[Scenes, Scenes]:
    """Returns the training images and the test images. They are the same at each call.

    Training images contain training digits of mnist_5k, and test images contain test digits of mnist_5k.
    """
    digits = mnist_5k.load()
    rng = np.random.default_rng(0)
    return (
        _draw(digits.x_train, digits.y_train, TRAINING, rng),
        _draw(digits.x_test, digits.y_test, TEST, rng),
    )


def sentence(place: str, groups: list[tuple[int, int]]) -> str:
    """Returns the sentence for a place and two groups. A group is its number of digits, 1 or 2, and the digit."""
    first, second = (f"{COUNTS[count - 1]} {plural(digit) if count == 2 else NAMES[digit]}" for count, digit in groups)
    return f"{first} {place} {second}"


def plural(digit: int) -> str:
    """Returns the plural of the name of a digit, such as "sixes"."""
    return NAMES[digit] + ("es" if NAMES[digit] in ("zero", "six") else "s")


def _draw(digits: NDArray[np.float32], labels: NDArray[np.int64], count: int, rng: np.random.Generator) -> Scenes:
    of_class = [np.flatnonzero(labels == digit) for digit in range(10)]
    drawn = Scenes(np.zeros((count, SIDE, SIDE, 1), np.float32), [])
    for image in drawn.images:
        place = PLACES[rng.integers(2)]
        groups = [(int(rng.integers(1, 3)), int(digit)) for digit in rng.choice(10, 2, replace=False)]
        for half, (number, digit) in enumerate(groups):
            for quarter in rng.permutation(2)[:number]:
                row, column = (half, quarter) if place == "above" else (quarter, half)
                top, left = (cell * CELL + rng.integers(CELL - 27) for cell in (row, column))
                image[top : top + 28, left : left + 28] = digits[rng.choice(of_class[digit])]
        drawn.sentences.append(sentence(place, groups))
    return drawn
