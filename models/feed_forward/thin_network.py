"""The deep network with one unit in each layer."""

from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts
from ..registry import register
from ._network import flat_input


@register
def thin_network(
    *,
    input_shape: Counts = (10,),
    depth: Count = 5,
    activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid",
) -> keras.Model:
    """Shows vanishing gradients: a deep regression network with one unit in each layer.

    The derivative of the loss with respect to a weight is a product with one factor for each later layer. For sigmoid,
    the absolute value of each factor w_l σ'(a_{l−1}) is at most |w_l| / 4. So the first weights of a deep network learn
    slowly. The network normalises the features and scales the output to the units of the target, like `mlp_regressor`.

    Args:
        input_shape: the number of features, or height, width and channels of images. Images are flattened.
        depth: L − 1, the number of layers before the output, each with one unit.
        activation: g, the activation of the layers before the output.

    Formula:
        h₀ = (x − mean x) / std x
        a_l = w_l h_{l−1} + b_l, h_l = g(a_l), for l = 1 … L − 1
        ŷ = mean y + std y · a_L, a_L = w_L h_{L−1} + b_L
        minimise L = (ŷ − y)²
        ∂L/∂w₁ = ∂L/∂ŷ · ∂ŷ/∂a_L · w_L g'(a_{L−1}) · w_{L−1} g'(a_{L−2}) ⋯ w₂ g'(a₁) · h₀

    Source:
        Lecture notes 002, "Back propagation" (a deep but thin network).

    Returns:
        A model from `(batch, *input_shape)` to `(batch, 1)`, float32, in the units of the target. The layers `unit_1`,
        `unit_2`, … return h₁, h₂, … `(batch, 1)`.
    """
    # === Functional model ===
    inputs, x = flat_input(input_shape)
    x = layers.Normalization(name="normalization")(x)
    for index in range(1, depth + 1):
        x = layers.Dense(1, activation=activation, name=f"unit_{index}")(x)
    y = layers.Dense(1, name="output")(x)
    y = layers.Normalization(invert=True, name="prediction")(y)
    return keras.Model(inputs, y, name="thin_network")
