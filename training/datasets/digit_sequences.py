"""5,000 handwritten digits as long sequences, pixel by pixel. The digits are from mnist_5k.

Shape: 4,000 training and 1,000 test sequences, float32 (196, 1) in [0, 1]. An image is reduced to 14 × 14 pixels by
    averaging 2 × 2 pixels. The sequence is the rows of the reduced image, one after the other. Labels 0 to 9.
Split: the split of mnist_5k.
Source: see `mnist_5k.py`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from . import mnist_5k


def load() -> Dataset:
    digits = mnist_5k.load()
    return replace(digits, name="digit_sequences", x_train=_sequences(digits.x_train), x_test=_sequences(digits.x_test))


def _sequences(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Converts images (n, 28, 28, 1) to sequences (n, 196, 1)."""
    pooled: NDArray[np.float32] = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return pooled.reshape(-1, 196, 1)
