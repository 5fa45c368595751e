"""The reconstruction errors against NumPy: sums over features, means over the batch."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models.losses import BinaryCrossentropy, SquaredError

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(0, 1, (5, 4, 3, 2)).astype(np.float32)
X_HAT = RANDOM.uniform(0.05, 0.95, X.shape).astype(np.float32)


def test_squared_error() -> None:
    expected = ((X_HAT - X) ** 2).sum(axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(SquaredError()(X, X_HAT), expected, rtol=1e-5)


def test_cross_entropy() -> None:
    expected = -(X * np.log(X_HAT) + (1 - X) * np.log(1 - X_HAT)).sum(axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(BinaryCrossentropy()(X, X_HAT), expected, rtol=1e-5)


def test_cross_entropy_is_finite_where_the_output_is_certain_and_wrong() -> None:
    certain = np.array([[0.0, 1.0]], np.float32)
    assert 20 < float(BinaryCrossentropy()(1 - certain, certain)) < 100  # logarithms stop at Keras's 1e-7


@pytest.mark.parametrize("loss", [SquaredError(), BinaryCrossentropy()])
def test_the_config_makes_the_same_loss(loss: keras.losses.Loss) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
