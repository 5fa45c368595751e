"""Samples the code of a variational autoencoder."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class GaussianSample(keras.layers.Layer):
    """Samples z = μ + σ ε with ε ~ N(0, 1) in training, and returns z = μ at inference.

    This is the reparameterisation trick: the gradient reaches μ and σ (Kingma and Welling 2013, "Auto-Encoding
    Variational Bayes", section 2.4).

    Args:
        seed: seed of the random numbers, for reproducible samples.

    Attributes:
        validation_seed: the seed of the samples at inference, or None to return μ. With a seed, each batch has the same
            samples. The training sets a seed while it validates, because the loss at z = μ is not the loss that is
            trained.

    Call arguments:
        inputs: the pair μ `(batch, units)` and log σ² `(batch, units)`.
        training: whether to sample; if false, the layer returns μ.

    Example:

        >>> mean, log_variance = ops.array([[0.5, 1.0]]), ops.zeros((1, 2))
        >>> ops.convert_to_numpy(GaussianSample()([mean, log_variance])).tolist()
        [[0.5, 1.0]]
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.validation_seed: int | None = None

    def call(self, inputs: Any, training: bool = False) -> Any:
        mean, log_variance = inputs
        # An exported graph must not write the generator's state.
        seed = self.seed_generator if training else self.validation_seed
        if seed is None:
            return mean
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=seed)
        return mean + ops.exp(0.5 * log_variance) * noise

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the mean μ, which is the layer's output at inference."""
        return inputs[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
