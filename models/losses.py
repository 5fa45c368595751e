"""Loss functions that sum over the values of an example and average over the batch.

The losses of autoencoders and regressors sum over the features j of a target x and a prediction x̂:

    L(x, x̂) = Σ_j (x̂_j − x_j)²                              real values, linear output
    L(x, x̂) = −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)]   values in [0, 1], sigmoid output, in nats

The losses of a detector sum over the cells c of an image:

    L(p, p̂) = −Σ_c log p̂_{c,ℓ}                              ℓ is the true class of the cell
    L(b, b̂) = Σ_c w_c ‖b̂_c − b_c‖₁                          w_c is 1 if the cell contains an object's centre, else 0

Source: lecture notes 000, lecture 7 (choice of the output activation and of the loss); notes 002, "Output functions and
loss functions"; notes 003, "Error Function".
"""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class SquaredError(keras.losses.Loss):
    """Squared error, summed over the features: Σ_j (x̂_j − x_j)²."""

    def __init__(self, name: str = "squared_error", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sum_over_features(ops.square(y_pred - y_true))


@keras.saving.register_keras_serializable(package="keras_gallery")
class BinaryCrossentropy(keras.losses.Loss):
    """Binary cross-entropy in nats, summed over the features: −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)]."""

    def __init__(self, name: str = "binary_crossentropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sum_over_features(ops.binary_crossentropy(y_true, y_pred))


@keras.saving.register_keras_serializable(package="keras_gallery")
class CellCrossentropy(keras.losses.Loss):
    """Cross-entropy of a detector's classes in nats, summed over the cells: −Σ_c log p̂_{c,ℓ}.

    The targets are classes `(batch, cells)`. The predictions are probabilities `(batch, cells, classes + 1)`.
    """

    def __init__(self, name: str = "cell_crossentropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sum_over_features(ops.sparse_categorical_crossentropy(ops.cast(y_true, "int32"), y_pred))


@keras.saving.register_keras_serializable(package="keras_gallery")
class BoxDistance(keras.losses.Loss):
    """L1 distance of a detector's boxes, summed over the cells: Σ_c w_c ‖b̂_c − b_c‖₁.

    The targets are boxes and weights `(batch, cells, 5)`. The predictions are boxes `(batch, cells, 4)`.
    """

    def __init__(self, name: str = "box_distance", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        boxes, weights = y_true[..., :4], y_true[..., 4:]  # (batch, cells, 4), (batch, cells, 1)
        return _sum_over_features(weights * ops.abs(y_pred - boxes))


def _sum_over_features(values: Any) -> Any:
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))  # (batch, …) -> (batch,)
