"""The KL sparsity penalty: keeps each unit inactive for most examples."""

from typing import Any, Literal, get_args

import keras
from keras import ops

from ..errors import BadHyperparameter

Estimate = Literal["batch", "full_pass", "full_pass_each_step"]
EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="keras_gallery")
class KLSparsity(keras.layers.Layer):
    """Adds the sparsity penalty β Σ_j KL(ρ‖ρ̂_j) to the loss and returns the inputs unchanged.

    ρ̂_j is the mean activation of unit j over the training set, and ρ is the target for this mean.

        KL(ρ‖ρ̂) = ρ log(ρ/ρ̂) + (1 − ρ) log((1 − ρ)/(1 − ρ̂))       0 if ρ̂ = ρ, otherwise positive
        ∂KL/∂ρ̂  = −ρ/ρ̂ + (1 − ρ)/(1 − ρ̂)

    With the estimate `batch`, ρ̂ is the mean over the batch. With the estimates `full_pass` and
    `full_pass_each_step`, ρ̂ is the mean that `set_mean_activation` last stored. The penalty, and its gradient for each
    example, use this ρ̂ (lecture notes 003, "Gradient Calculation"). The two differ only in how often the training
    stores the mean.

    Args:
        rho: ρ, the target mean activation, between 0 and 1.
        weight: β, the weight of the penalty, at least 0.
        low: the activation of an inactive unit: 0, or −1 for tanh. The layer rescales the activations from [low, 1] to
            [0, 1]: for tanh, to (h + 1) / 2.
        estimate: how ρ̂ is estimated: `batch`, `full_pass` or `full_pass_each_step`.

    Call arguments:
        inputs: activations `(batch, units)`, from `low` to 1.

    Example:

        >>> layer = KLSparsity(rho=0.5)
        >>> outputs = layer(ops.array([[0.0], [1.0]]))
        >>> float(layer.losses[0])
        0.0
    """

    def __init__(
        self, rho: float = 0.05, weight: float = 1.0, low: float = 0.0, estimate: Estimate = "batch", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0 < rho < 1:
            raise BadHyperparameter(f"Expected rho to be between 0 and 1. Received: {rho}.")
        if not 0 <= weight < float("inf"):
            raise BadHyperparameter(f"Expected a KL weight of at least 0. Received: {weight}.")
        if estimate not in get_args(Estimate):
            raise BadHyperparameter(
                f"Expected estimate to be one of {', '.join(get_args(Estimate))}. Received: {estimate}."
            )
        self.rho = rho
        self.weight = weight
        self.low = low
        self.estimate = estimate

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.estimate != "batch":
            self.mean_activation = self.add_weight(
                name="mean_activation",
                shape=(input_shape[-1],),
                initializer=keras.initializers.Constant(self.rho),
                trainable=False,
            )

    def set_mean_activation(self, activations: Any) -> None:
        """Sets the stored ρ̂ to the mean of the activations `(n, units)` of the whole training set.

        A layer with the estimate `batch` stores no ρ̂.
        """
        self.mean_activation.assign(self.mean_of(activations))

    def call(self, inputs: Any) -> Any:
        rho_hat = self.mean_of(inputs)  # (units,)
        if self.estimate != "batch":
            # The value of rho_hat is the stored mean. The gradient of rho_hat is the gradient of the batch mean.
            rho_hat = self.mean_activation + rho_hat - ops.stop_gradient(rho_hat)
        self.add_loss(self.weight * ops.sum(bernoulli_kl(self.rho, rho_hat)))
        return inputs

    def mean_of(self, activations: Any) -> Any:
        """Rescales activations `(n, units)` from [low, 1] to [0, 1] and returns the mean ρ̂ of each unit, `(units,)`."""
        return ops.mean((activations - self.low) / (1.0 - self.low), axis=0)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the inputs, because the layer does nothing at inference."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "weight": self.weight,
            "low": self.low,
            "estimate": self.estimate,
        }


def bernoulli_kl(rho: float, rho_hat: Any) -> Any:
    """Returns KL(ρ‖ρ̂) in nats, with the shape of ρ̂. ρ̂ is first clipped to [1e-6, 1 − 1e-6]."""
    rho_hat = ops.clip(rho_hat, EPSILON, 1 - EPSILON)
    return rho * (ops.log(rho) - ops.log(rho_hat)) + (1 - rho) * (ops.log(1 - rho) - ops.log(1 - rho_hat))
