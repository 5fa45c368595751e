"""The feed-forward network for regression."""

from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts
from ..registry import register
from ._network import flat_input, hidden_layers


@register
def mlp_regressor(
    *,
    input_shape: Counts = (10,),
    outputs: Count = 3,
    hidden: Counts = (64, 64),
    activation: Literal["sigmoid", "tanh", "relu"] = "relu",
) -> keras.Model:
    """Predicts numbers from feature vectors or images with dense layers and a linear output.

    A sigmoid output would limit ŷ to values between 0 and 1. A linear output can have any value. The first layer
    normalises the features to mean 0 and variance 1. The last layer scales the output to the mean and the variance of
    the targets. `models.normalization.adapt` fits both layers to the training data.

    Args:
        input_shape: the number of features, or height, width and channels of images. Images are flattened.
        outputs: k, the number of predicted values.
        hidden: number of units of each hidden layer.
        activation: g, the activation of the hidden layers.

    Formula:
        h₀ = (x − mean x) / std x
        h_l = g(W_l h_{l−1} + b_l)
        ŷ = mean y + std y · (W_O h_{L−1} + b_O)
        minimise L = 1/N Σ_i Σ_j (ŷ_ij − y_ij)², for N examples

    Source:
        Lecture notes 002, "Output functions and loss functions" (ratings in R³).

    Returns:
        A model from `(batch, *input_shape)` to `(batch, outputs)`, float32, in the units of the targets. The last
        hidden layer, `embedding`, returns `(batch, hidden[-1])`.
    """
    # === Functional model ===
    inputs, x = flat_input(input_shape)
    x = layers.Normalization(name="normalization")(x)
    x = hidden_layers(x, hidden, activation)
    y = layers.Dense(outputs, name="output")(x)
    y = layers.Normalization(invert=True, name="prediction")(y)
    return keras.Model(inputs, y, name="mlp_regressor")
