"""Sums of two numbers with up to three digits, as texts such as "57+931" and "988". The sums are generated.

Shape: 45,000 training and 5,000 test sums. Each pair of numbers occurs at most once, in one order. Inputs have up to 7
    characters and targets have up to 4 characters, as ids (see `training/data/tokens.py`).
Split: random with a fixed seed.
Source: generated; the task of Zaremba and Sutskever 2014, "Learning to Execute", and of Keras's example `addition_rnn`.
"""

import numpy as np

from ..data.dataset import Dataset
from ..data.tokens import MARKS, Tokens

LARGEST, SUMS, TEST_SUMS = 999, 50_000, 5_000
DIGITS = tuple("0123456789")


def load() -> Dataset:
    """Generates the dataset."""
    rng = np.random.default_rng(0)
    # The number of digits is drawn first, so that small numbers are not rare.
    digits = rng.integers(1, 4, (8 * SUMS, 2))
    drawn = rng.integers(0, 10**digits)
    first = np.unique(np.sort(drawn, axis=1), axis=0, return_index=True)[1]  # index of each unordered pair
    pairs = drawn[rng.permutation(first)[:SUMS]]
    read, written = Tokens((*DIGITS, "+"), "characters"), Tokens((*MARKS, *DIGITS), "characters")
    x, y = read.ids([f"{a}+{b}" for a, b in pairs]), written.ids([str(a + b) for a, b in pairs])
    return Dataset(
        name="addition",
        x_train=x[TEST_SUMS:],
        y_train=y[TEST_SUMS:],
        x_test=x[:TEST_SUMS],
        y_test=y[:TEST_SUMS],
        source=f"Sums of numbers from 0 to {LARGEST}, generated",
        texts={"text": read, "output": written},
    )
