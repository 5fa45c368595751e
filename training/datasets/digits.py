"""1,797 small handwritten digits, as shipped in scikit-learn: no download. Good for quick tries.

Shape: 8 × 8 × 1, float32, 0 (paper) to 1 (ink), from counts of 0 to 16.
Split: the first 1,500 to train on, the last 297 to test on, in scikit-learn's order.
Licence: CC BY 4.0 (Ethem Alpaydin, Cenk Kaynak: "Optical Recognition of Handwritten Digits", UCI); scikit-learn is
    BSD-3-Clause.
"""

from __future__ import annotations

import numpy as np

from . import Dataset

TRAIN = 1_500


def load() -> Dataset:
    """Reads scikit-learn's copy."""
    import sklearn
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = (digits.images[..., np.newaxis] / 16).astype(np.float32)
    y = digits.target.astype(np.uint8)
    return Dataset(
        name="digits",
        x_train=x[:TRAIN],
        y_train=y[:TRAIN],
        x_test=x[TRAIN:],
        y_test=y[TRAIN:],
        source=f"scikit-learn {sklearn.__version__}",
    )
