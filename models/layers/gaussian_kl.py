"""The KL penalty of a variational autoencoder."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class GaussianKL(keras.layers.Layer):
    """Adds β KL(q(z|x)‖p(z)), averaged over the batch, to the loss and returns the inputs unchanged.

    If q is N(μ, σ²) in each dimension and p is N(0, 1), the KL divergence in nats is:

        KL = ½ Σ_j (μ_j² + σ_j² − log σ_j² − 1)

    Source: lecture notes 003, "Variational Inference"; Kingma and Welling 2013, "Auto-Encoding Variational Bayes",
    appendix B.

    Args:
        weight: β, the weight of the penalty, at least 0. With 1, the loss is the negative evidence lower bound.

    Call arguments:
        inputs: the pair μ `(batch, units)` and log σ² `(batch, units)`.

    Example:

        >>> layer = GaussianKL()
        >>> mean, log_variance = layer([ops.ones((1, 2)), ops.zeros((1, 2))])
        >>> float(layer.losses[0])
        1.0
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
        """Returns the inputs, because the layer does nothing at inference."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return list(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}


def gaussian_kl(mean: Any, log_variance: Any) -> Any:
    """Returns KL(N(μ, σ²)‖N(0, 1)) of each example in nats, `(batch,)`. Both arguments are `(batch, units)`."""
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=-1)
