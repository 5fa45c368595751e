"""1,797 small handwritten digits. scikit-learn includes the data.

Shape: 1,438 training and 359 test images, (8, 8, 1), float32 in [0, 1] (17 grey levels). Labels 0 to 9.
Split: the test images are a random fifth of the images of each digit, with a fixed seed.
Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
    CC BY 4.0.
"""

import numpy as np

from ..data.dataset import Dataset, split
from ._labels import DIGITS


def load() -> Dataset:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images[..., None] / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    source = "Optical Recognition of Handwritten Digits (Alpaydin, Kaynak; CC BY 4.0), as in scikit-learn"
    return split("digits", images, labels, source, DIGITS)
