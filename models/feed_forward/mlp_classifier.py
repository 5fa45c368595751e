"""The feed-forward network for classification."""

from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts
from ..registry import register
from ._network import flat_input, hidden_layers


@register
def mlp_classifier(
    *,
    input_shape: Counts = (28, 28, 1),
    classes: Count = 10,
    hidden: Counts = (256, 128),
    activation: Literal["sigmoid", "tanh", "relu"] = "relu",
) -> keras.Model:
    """Classifies feature vectors or images with dense layers and a softmax output.

    Args:
        input_shape: the number of features, or height, width and channels of images. Images are flattened.
        classes: k, the number of classes.
        hidden: number of units of each hidden layer.
        activation: g, the activation of the hidden layers.

    Formula:
        h_l = g(W_l h_{l−1} + b_l), h₀ = x, or (x − mean) / std for features
        a_L = W_L h_{L−1} + b_L
        ŷ_j = exp(a_Lj) / Σ_i exp(a_Li)
        minimise L = −log ŷ_ℓ, where ℓ is the true class
        ∂L/∂a_L = ŷ − y

    Source:
        Lecture notes 002, "Output functions and loss functions" and "Back propagation".

    Returns:
        A model from `(batch, *input_shape)` to class probabilities `(batch, classes)`, float32. The last hidden layer,
        `embedding`, returns `(batch, hidden[-1])`.
    """
    # === Functional model ===
    inputs, x = flat_input(input_shape)
    if len(input_shape) == 1:
        x = layers.Normalization(name="normalization")(x)
    x = hidden_layers(x, hidden, activation)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, y_hat, name="mlp_classifier")
