"""A dense layer with a penalty on the derivative of the output with respect to the input."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class ContractiveDense(keras.layers.Dense):
    """A dense layer with sigmoid that adds the contractive penalty λ‖∂h/∂x‖²_F, averaged over the batch, to the loss.

        h = σ(W x + b)
        ∂h_j/∂x_i = h_j (1 − h_j) W_ji
        ‖∂h/∂x‖²_F = Σ_j (h_j (1 − h_j))² Σ_i W_ji²

    With a large penalty, the output hardly changes if the input changes slightly (lecture notes 000, lecture 7; the
    closed form: Rifai et al. 2011, "Contractive Auto-Encoders").

    Args:
        units: number of outputs, the size of h.
        weight: λ, the weight of the penalty, at least 0.

    Call arguments:
        inputs: `(batch, features)`.

    Example:

        >>> layer = ContractiveDense(2, weight=0.1)
        >>> tuple(layer(ops.zeros((1, 3))).shape), len(layer.losses)
        ((1, 2), 1)
    """

    def __init__(self, units: int, weight: float = 0.1, **kwargs: Any) -> None:
        super().__init__(units, activation="sigmoid", **kwargs)
        if not 0 <= weight < float("inf"):
            raise BadHyperparameter(f"Expected a contractive weight of at least 0. Received: {weight}.")
        self.weight = weight

    def call(self, inputs: Any) -> Any:
        h = super().call(inputs)  # (batch, units)
        slopes = ops.square(h * (1 - h))
        norms = ops.sum(ops.square(self.kernel), axis=0)  # (units,): Σ_i W_ji²
        self.add_loss(self.weight * ops.mean(ops.matmul(slopes, norms)))
        return h

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Computes the output at inference with Keras's own `Dense` layer, which has no penalty."""
        dense = keras.layers.Dense(self.units, activation="sigmoid", use_bias=self.use_bias, name=self.name)
        h = dense(inputs)
        dense.set_weights(self.get_weights())
        return h

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "weight": self.weight}
        del config["activation"]
        return config
