"""The L1 sparsity penalty: makes many activations inactive."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class L1Sparsity(keras.layers.Layer):
    """Adds λ Σ_j |h_j − low|, averaged over the batch, to the loss and returns the inputs unchanged.

    The gradient is λ or −λ, however close an activation is to `low`. So many activations become exactly `low` (lecture
    notes 003, "L1 Regularization Sparse").

    Args:
        weight: λ, the weight of the penalty, at least 0.
        low: the activation of an inactive unit: 0, or −1 for tanh.

    Call arguments:
        inputs: activations `(batch, units)`.

    Example:

        >>> layer = L1Sparsity(weight=0.5)
        >>> outputs = layer(ops.array([[1.0, -3.0]]))
        >>> float(layer.losses[0])
        2.0
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
        """Returns the inputs, because the layer does nothing at inference."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight, "low": self.low}
