"""Reconstruction errors: the sum over an example's features, then the mean over the batch.

    L(x, x̂) = Σ_j (x̂_j − x_j)²                              real values, linear output
    L(x, x̂) = −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)]   values in [0, 1], sigmoid output, in nats

Source: notes 000, lecture 7 (choice of f and of the loss); notes 003, "Error Function".
"""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class SquaredError(keras.losses.Loss):
    """Σ_j (x̂_j − x_j)²."""

    def __init__(self, name: str = "squared_error", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sum_over_features(ops.square(y_pred - y_true))


@keras.saving.register_keras_serializable(package="keras_gallery")
class BinaryCrossentropy(keras.losses.Loss):
    """−Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)], in nats."""

    def __init__(self, name: str = "binary_crossentropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sum_over_features(ops.binary_crossentropy(y_true, y_pred))


def _sum_over_features(values: Any) -> Any:
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))  # (batch, …) -> (batch,)
