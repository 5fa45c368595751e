"""The two-layer network with the swish activation."""

import keras
from keras import layers

from ..hyperparameters import Count, Counts
from ..registry import register
from ._network import flat_input


@register
def swish_classifier(*, input_shape: Counts = (10,), hidden: Count = 64, classes: Count = 7) -> keras.Model:
    """Two dense layers with swish between them: the network whose gradients are worked out by hand.

    `models.normalization.adapt` fits its first layer to the training data, so that x comes in its own units;
    the formulas' x is what this layer makes of it.

    Args:
        input_shape: D, one number of features, or height, width and channels of images, which are flattened.
        hidden: H, units of the hidden layer.
        classes: C, how many there are.

    Formula:
        swish(k) = k σ(k)
        z₁ = W₁ x + b₁, h₁ = swish(z₁)
        z₂ = W₂ h₁ + b₂, ŷ = softmax(z₂)
        L = −Σ_i y_i log ŷ_i
        ∇b₂ L = ŷ − y, ∇W₂ L = (ŷ − y) h₁ᵀ
        ∇b₁ L = (W₂ᵀ (ŷ − y)) ⊙ (σ(z₁) + z₁ σ(z₁) (1 − σ(z₁))), ∇W₁ L = ∇b₁ L · xᵀ

    Source:
        Notes 001, question 3 (C = 7); Ramachandran, Zoph and Le 2017, "Searching for Activation Functions".

    Returns:
        A model `(batch, *input_shape)` to class probabilities `(batch, classes)`, float32; its layer
        `embedding` gives h₁ `(batch, hidden)`.
    """
    # === Functional model ===
    inputs, x = flat_input(input_shape)
    x = layers.Normalization(name="normalization")(x)
    h1 = layers.Dense(hidden, activation="swish", name="embedding")(x)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(h1)
    return keras.Model(inputs, y_hat, name="swish_classifier")
