"""The small convolutional network of the lecture notes, with 93,322 parameters."""

import keras
from keras import layers

from ..hyperparameters import Count, Fraction, ImageShape
from ..registry import register
from ._maps import check_size


@register
def convnet(*, image_shape: ImageShape = (28, 28, 1), classes: Count = 10, dropout: Fraction = 0.0) -> keras.Model:
    """Classifies images with a small network: 3 convolutions, 2 pooling layers and 2 dense layers.

    With the default arguments, the network has 93,322 parameters. A convolution applies the same filters at all
    positions: the first convolution has only 3 · 3 · 32 + 32 = 320 parameters for 26 · 26 positions. So a convolution
    detects a pattern everywhere, even if the pattern was only in one corner of the training images.

    Args:
        image_shape: height, width and channels of the images, at least 18 × 18.
        classes: number of classes.
        dropout: dropout rate before each dense layer: the fraction of values that are set to 0 in training.

    Formula:
        maps_{mnk} = max(0, Σ_{ijc} K_{ijck} x_{m+i, n+j, c} + b_k)
        pooled_{mnk} = max of maps_{2m+i, 2n+j, k} over i, j ∈ {0, 1}
        parameters of a convolution = filters · (height · width · channels of a filter) + filters
        minimise L = −log ŷ_ℓ, where ℓ is the true class

    Source:
        Lecture notes 004, "Convnet code (Keras)".

    Returns:
        A model from images `(batch, height, width, channels)` to class probabilities `(batch, classes)`, float32. The
        layer `embedding` returns the features `(batch, 64)`.
    """
    # === Functional model ===
    image = x = keras.Input(image_shape, name="image")
    for index, filters in enumerate((32, 64, 64), 1):
        if index > 1:
            check_size(x, 2)
            x = layers.MaxPooling2D(2, name=f"max_pooling2d_{index - 1}")(x)  # 26 -> 13, 11 -> 5
        check_size(x, 3)
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv2d_{index}")(x)  # 28 -> 26, 13 -> 11, 5 -> 3
    x = layers.Flatten(name="flatten")(x)  # (batch, 3 · 3 · 64)
    x = layers.Dropout(dropout, name="dropout_1")(x) if dropout else x
    x = layers.Dense(64, activation="relu", name="embedding")(x)
    x = layers.Dropout(dropout, name="dropout_2")(x) if dropout else x
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, y_hat, name="convnet")
