"""Drawing a code from its distribution."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class GaussianSample(keras.layers.Layer):
    """z = μ + σ ε with ε ~ N(0, 1) in training; z = μ at inference.

    Written so, the draw lets the gradient through to μ and σ (Kingma and Welling 2013, "Auto-Encoding
    Variational Bayes", section 2.4).

    Args:
        seed: of the random stream, for a repeatable one.

    Call arguments:
        inputs: the pair μ `(batch, units)` and log σ² `(batch, units)`.
        training: the layer returns μ unless this is true.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        mean, log_variance = inputs
        if not training:  # and the generator stays untouched: a served graph must not write random state
            return mean
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """The mean, at inference."""
        return inputs[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
