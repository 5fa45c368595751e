"""5,000 handwritten digits and their English names, letter by letter. The digits are from mnist_5k.

Shape: 4,000 training and 1,000 test images, (28, 28, 1), float32 in [0, 1]. The target is the name as ids (7,), int32,
    from `[START]` to `[END]` (see `training/data/tokens.py`). The names have 15 different letters.
Split: the split of mnist_5k.
Source: see `mnist_5k.py`.
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
