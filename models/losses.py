"""Errors of what a model gives back or predicts: the sum over an example's features, then the mean over the batch.

    L(x, x̂) = Σ_j (x̂_j − x_j)²                              real values, linear output
    L(x, x̂) = −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)]   values in [0, 1], sigmoid output, in nats

A detector's: the sum over an image's cells c, then the mean over the batch.

    L(p, p̂) = −Σ_c log p̂_{c,ℓ}                              ℓ the cell's true class
    L(b, b̂) = Σ_c w_c ‖b̂_c − b_c‖₁                          w_c 1 where an object has its centre, else 0

Source: notes 000, lecture 7 (choice of f and of the loss); notes 002, "Output functions and loss functions"; notes
003, "Error Function".
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


@keras.saving.register_keras_serializable(package="keras_gallery")
class CellCrossentropy(keras.losses.Loss):
    """−Σ_c log p̂_{c,ℓ}, in nats; of classes `(batch, cells)` and probabilities `(batch, cells, classes + 1)`."""

    def __init__(self, name: str = "cell_crossentropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sum_over_features(ops.sparse_categorical_crossentropy(ops.cast(y_true, "int32"), y_pred))


@keras.saving.register_keras_serializable(package="keras_gallery")
class BoxDistance(keras.losses.Loss):
    """Σ_c w_c ‖b̂_c − b_c‖₁; of boxes with their weight `(batch, cells, 5)` and boxes `(batch, cells, 4)`."""

    def __init__(self, name: str = "box_distance", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        boxes, weights = y_true[..., :4], y_true[..., 4:]  # (batch, cells, 4), (batch, cells, 1)
        return _sum_over_features(weights * ops.abs(y_pred - boxes))


def _sum_over_features(values: Any) -> Any:
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))  # (batch, …) -> (batch,)
