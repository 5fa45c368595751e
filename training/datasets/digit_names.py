"""5,000 handwritten digits and their English names, letter by letter. Offline, from mnist_5k.

Shape: 4,000 training and 1,000 test images, (28, 28, 1), float32 in [0, 1]. Names as ids (7,), int32, from `[START]` to
    `[END]`, with 15 different letters (see `training/data/tokens.py`).
Split: that of mnist_5k.
Source: mnist_5k; see there.
"""

from dataclasses import replace

from ..data.dataset import Dataset
from ..data.tokens import Tokens
from . import mnist_5k

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def load() -> Dataset:
    digits = mnist_5k.load()
    written = Tokens.of(NAMES, "characters", marks=True)
    ids = written.ids(NAMES)
    return replace(
        digits,
        name="digit_names",
        y_train=ids[digits.y_train],
        y_test=ids[digits.y_test],
        labels=(),
        texts={"output": written},
    )
