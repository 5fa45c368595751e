"""The penalty that keeps each unit inactive most of the time."""

from typing import Any, Literal, get_args

import keras
from keras import ops

from ..errors import BadHyperparameter

Estimate = Literal["batch", "full_pass"]
EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="keras_gallery")
class KLSparsity(keras.layers.Layer):
    """Returns its inputs, and adds β Σ_j KL(ρ‖ρ̂_j) to the loss, ρ̂_j the mean activation of unit j.

        KL(ρ‖ρ̂) = ρ log(ρ/ρ̂) + (1 − ρ) log((1 − ρ)/(1 − ρ̂))       0 where ρ̂ = ρ, and more elsewhere
        ∂KL/∂ρ̂  = −ρ/ρ̂ + (1 − ρ)/(1 − ρ̂)

    ρ̂ is a mean over the training set. `batch` takes the batch's mean for it. `full_pass` keeps the one that
    `set_mean_activation` was told: the penalty has its value there, and each example's gradient is the one
    above at that ρ̂ (notes 003, "Gradient Calculation").

    Args:
        rho: ρ, the mean activation wanted, between 0 and 1.
        weight: β, at least 0.
        low: the activation of an inactive unit: 0, or −1 for tanh, whose activations count as (h + 1) / 2.
        estimate: `batch` or `full_pass`.

    Call arguments:
        inputs: activations `(batch, units)`, from `low` to 1.
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
            raise BadHyperparameter(f"Expected estimate to be batch or full_pass. Received: {estimate}.")
        self.rho = rho
        self.weight = weight
        self.low = low
        self.estimate = estimate

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.estimate == "full_pass":
            self.mean_activation = self.add_weight(
                name="mean_activation",
                shape=(input_shape[-1],),
                initializer=keras.initializers.Constant(self.rho),
                trainable=False,
            )

    def set_mean_activation(self, activations: Any) -> None:
        """Takes ρ̂ from the code `(n, units)` of the whole training set."""
        self.mean_activation.assign(self.mean_of(activations))

    def call(self, inputs: Any) -> Any:
        rho_hat = self.mean_of(inputs)  # (units,)
        if self.estimate == "full_pass":
            # The stored value, with the batch's derivative.
            rho_hat = self.mean_activation + rho_hat - ops.stop_gradient(rho_hat)
        self.add_loss(self.weight * ops.sum(bernoulli_kl(self.rho, rho_hat)))
        return inputs

    def mean_of(self, activations: Any) -> Any:
        """ρ̂ of activations `(n, units)`, from 0 to 1: `(units,)`."""
        return ops.mean((activations - self.low) / (1.0 - self.low), axis=0)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Nothing, at inference."""
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
    """KL(ρ‖ρ̂) in nats, of ρ̂'s shape; ρ̂ is kept a millionth away from 0 and 1."""
    rho_hat = ops.clip(rho_hat, EPSILON, 1 - EPSILON)
    return rho * (ops.log(rho) - ops.log(rho_hat)) + (1 - rho) * (ops.log(1 - rho) - ops.log(1 - rho_hat))
