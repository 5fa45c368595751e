"""The adding problem: predict the sum of the two marked values in a sequence. The sequences are generated.

Shape: 20,000 training and 2,000 test sequences, float32 (300, 2). Each step has a random value in [0, 1), and a mark,
    which is 1 or 0. One step in the first half and one step in the second half have the mark 1. The target is the sum
    of the two marked values, float32 (1,). A model that always predicts 1 has a mean squared error of 1/6, the variance
    of the sum.
Split: training and test sequences are generated one after the other, with a fixed seed.
Source: S. Hochreiter, J. Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9, experiment 4; values and
    target as in Q. Le, N. Jaitly, G. Hinton 2015, "A Simple Way to Initialize Recurrent Networks of Rectified Linear
    Units", arXiv:1504.00941.
"""

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset

STEPS = 300
COUNTS = {"train": 20_000, "test": 2_000}


def load() -> Dataset:
    """Generates the dataset."""
    rng = np.random.default_rng(0)
    (x_train, y_train), (x_test, y_test) = (sequences(count, STEPS, rng) for count in COUNTS.values())
    return Dataset(
        name="adding",
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        source="The adding problem (Hochreiter, Schmidhuber 1997), generated",
        labels=("sum",),
    )


def sequences(count: int, steps: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns sequences `(count, steps, 2)` and the sums `(count, 1)` of their two marked values."""
    values = rng.random((count, steps), np.float32)
    half = steps // 2
    rows = np.arange(count)[:, None]
    marked = np.stack([rng.integers(0, half, count), rng.integers(half, steps, count)], axis=1)  # (count, 2)
    marks = np.zeros_like(values)
    marks[rows, marked] = 1
    return np.stack([values, marks], axis=-1), values[rows, marked].sum(axis=1, keepdims=True)
