"""The classification network with one hidden layer and the swish activation."""

import keras
from keras import layers

from ..hyperparameters import Count, Counts
from ..registry import register
from ._network import flat_input


@register
def swish_classifier(*, input_shape: Counts = (10,), hidden: Count = 64, classes: Count = 7) -> keras.Model:
    """Classifies feature vectors or images with two dense layers and the swish activation.

    The formulas include the gradients with respect to all weights. The first layer normalises the inputs.
    `models.normalization.adapt` fits this layer to the training data. In the formulas, x is the normalised input.

    Args:
        input_shape: D, the number of features, or height, width and channels of images. Images are flattened.
        hidden: H, the number of units of the hidden layer.
        classes: C, the number of classes.

    Formula:
        swish(k) = k σ(k)
        z₁ = W₁ x + b₁, h₁ = swish(z₁)
        z₂ = W₂ h₁ + b₂, ŷ = softmax(z₂)
        minimise L = −Σ_i y_i log ŷ_i, where y is the one-hot vector of the true class
        ∇b₂ L = ŷ − y, ∇W₂ L = (ŷ − y) h₁ᵀ
        ∇b₁ L = (W₂ᵀ (ŷ − y)) ⊙ (σ(z₁) + z₁ σ(z₁) (1 − σ(z₁))), ∇W₁ L = ∇b₁ L · xᵀ

    Source:
        Lecture notes 001, question 3 (C = 7); Ramachandran, Zoph and Le 2017, "Searching for Activation Functions".

    Returns:
        A model from `(batch, *input_shape)` to class probabilities `(batch, classes)`, float32. The layer `embedding`
        returns h₁ `(batch, hidden)`.
    """
    # === Functional model ===
    inputs, x = flat_input(input_shape)
    x = layers.Normalization(name="normalization")(x)
    h1 = layers.Dense(hidden, activation="swish", name="embedding")(x)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(h1)
    return keras.Model(inputs, y_hat, name="swish_classifier")
