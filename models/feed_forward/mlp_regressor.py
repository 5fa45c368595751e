"""The feed-forward network for real values."""

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
    """Real values from features: hidden layers and a linear output.

    A logistic output would keep ŷ between 0 and 1; a linear one takes any value. Features and targets keep
    their own units outside: two layers, fitted to the training data by `models.normalization.adapt`, bring
    the features to mean 0 and variance 1, and the output back to the targets' mean and variance.

    Args:
        input_shape: one number of features, or height, width and channels of images, which are flattened.
        outputs: k, how many values are predicted.
        hidden: units of each hidden layer.
        activation: g, of the hidden layers.

    Formula:
        h₀ = (x − mean x) / std x
        h_l = g(W_l h_{l−1} + b_l)
        ŷ = mean y + std y · (W_O h_{L−1} + b_O)
        L = 1/N Σ_i Σ_j (ŷ_ij − y_ij)²

    Source:
        Notes 002, "Output functions and loss functions" (ratings in R³).

    Returns:
        A model `(batch, *input_shape)` to `(batch, outputs)`, float32, in the targets' units; its layer
        `embedding` gives the last hidden layer `(batch, hidden[-1])`.
    """
    # === Functional model ===
    inputs, x = flat_input(input_shape)
    x = layers.Normalization(name="normalization")(x)
    x = hidden_layers(x, hidden, activation)
    y = layers.Dense(outputs, name="output")(x)
    y = layers.Normalization(invert=True, name="prediction")(y)
    return keras.Model(inputs, y, name="mlp_regressor")
