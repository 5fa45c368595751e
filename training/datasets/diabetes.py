"""Data of 442 diabetes patients, and the progression of their disease in a year. scikit-learn includes the data.

Shape: 353 training and 89 test patients. The 10 features, float32, are age, sex, body mass index, blood pressure and
    six blood values, not normalised. The target is the progression, from 25 to 346.
Split: the test patients are a random fifth of the patients, with a fixed seed.
Source: B. Efron, T. Hastie, I. Johnstone, R. Tibshirani 2004, "Least Angle Regression", Annals of Statistics 32.
"""

import numpy as np

from ..data.dataset import Dataset

TEST_SHARE = 0.2


def load() -> Dataset:
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    order = np.random.default_rng(0).permutation(len(bunch.data))
    x, y = bunch.data[order].astype(np.float32), bunch.target[order, None].astype(np.float32)
    count = len(x) - round(TEST_SHARE * len(x))
    return Dataset(
        name="diabetes",
        x_train=x[:count],
        y_train=y[:count],
        x_test=x[count:],
        y_test=y[count:],
        source="Diabetes (Efron, Hastie, Johnstone, Tibshirani 2004), as in scikit-learn",
        labels=("progression",),
    )
