"""The distance of a code's distribution from the prior."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class GaussianKL(keras.layers.Layer):
    """Returns its inputs, and adds β KL(q(z|x)‖p(z)), the mean over the batch, to the loss.

    For q = N(μ, σ²) in each dimension and p = N(0, 1), in nats:

        KL = ½ Σ_j (μ_j² + σ_j² − log σ_j² − 1)

    (notes 003, "Variational Inference"; Kingma and Welling 2013, "Auto-Encoding Variational Bayes", appendix B).

    Args:
        weight: β, at least 0; 1 makes the loss the negative evidence lower bound.

    Call arguments:
        inputs: the pair μ `(batch, units)` and log σ² `(batch, units)`.
    """

    def __init__(self, weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= weight < float("inf"):
            raise BadHyperparameter(f"Expected a KL weight of at least 0. Received: {weight}.")
        self.weight = weight

    def call(self, inputs: Any) -> Any:
        mean, log_variance = inputs
        self.add_loss(self.weight * ops.mean(gaussian_kl(mean, log_variance)))
        return [mean, log_variance]

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Nothing, at inference."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return list(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}


def gaussian_kl(mean: Any, log_variance: Any) -> Any:
    """KL(N(μ, σ²)‖N(0, 1)) of each example, in nats: `(batch, units)` twice to `(batch,)`."""
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=-1)
