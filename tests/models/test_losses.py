"""Compares the losses with NumPy. Each loss is summed over the features and averaged over the batch."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models.losses import BinaryCrossentropy, BoxDistance, CellCrossentropy, SquaredError

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(0, 1, (5, 4, 3, 2)).astype(np.float32)
X_HAT = RANDOM.uniform(0.05, 0.95, X.shape).astype(np.float32)


def test_squared_error() -> None:
    expected = ((X_HAT - X) ** 2).sum(axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(SquaredError()(X, X_HAT), expected, rtol=1e-5)


def test_cross_entropy() -> None:
    expected = -(X * np.log(X_HAT) + (1 - X) * np.log(1 - X_HAT)).sum(axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(BinaryCrossentropy()(X, X_HAT), expected, rtol=1e-5)


def test_cross_entropy_is_finite_for_certain_wrong_output() -> None:
    certain = np.array([[0.0, 1.0]], np.float32)
    assert 20 < float(BinaryCrossentropy()(1 - certain, certain)) < 100  # Keras clips probabilities at 1e-7


def test_cell_cross_entropy() -> None:
    labels, p_hat = RANDOM.integers(3, size=(5, 6)), RANDOM.dirichlet(np.ones(3), (5, 6)).astype(np.float32)
    right = np.take_along_axis(p_hat, labels[..., None], axis=-1)
    np.testing.assert_allclose(CellCrossentropy()(labels, p_hat), -np.log(right).sum(axis=(1, 2)).mean(), rtol=1e-5)


def test_box_distance() -> None:
    boxes, weights = RANDOM.random((5, 6, 4)), RANDOM.integers(2, size=(5, 6, 1))
    found = RANDOM.random((5, 6, 4)).astype(np.float32)
    targets = np.concatenate([boxes, weights], axis=-1).astype(np.float32)
    expected = (weights * np.abs(found - boxes)).sum(axis=(1, 2)).mean()
    np.testing.assert_allclose(BoxDistance()(targets, found), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", [SquaredError(), BinaryCrossentropy(), CellCrossentropy(), BoxDistance()])
def test_loss_can_be_rebuilt_from_config(loss: keras.losses.Loss) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
