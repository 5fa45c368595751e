"""The penalty that makes activations small in sum."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class L1Sparsity(keras.layers.Layer):
    """Returns its inputs, and adds λ Σ_j |h_j − low|, the mean over the batch, to the loss.

    Its gradient is λ or −λ whatever the activation's size, so activations reach `low` and stay there (notes
    003, "L1 Regularization Sparse").

    Args:
        weight: λ, at least 0.
        low: the activation of an inactive unit: 0, or −1 for tanh.

    Call arguments:
        inputs: activations `(batch, units)`.
    """

    def __init__(self, weight: float = 1e-3, low: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= weight < float("inf"):
            raise BadHyperparameter(f"Expected an L1 weight of at least 0. Received: {weight}.")
        self.weight = weight
        self.low = low

    def call(self, inputs: Any) -> Any:
        self.add_loss(self.weight * ops.mean(ops.sum(ops.abs(inputs - self.low), axis=-1)))
        return inputs

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Nothing, at inference."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight, "low": self.low}
