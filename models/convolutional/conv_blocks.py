"""The typical convolutional network: blocks of convolutions and pooling, then dense layers."""

from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape
from ..registry import register
from ._maps import check_size, convolution_layers

POOLING = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}


@register
def conv_blocks(
    *,
    image_shape: ImageShape = (28, 28, 1),
    classes: Count = 10,
    filters: Counts = (32, 64),
    convolutions: Count = 1,
    kernel_size: Count = 3,
    strides: Count = 1,
    padding: Literal["valid", "same"] = "same",
    pooling: Literal["max", "average"] = "max",
    units: Count = 64,
) -> keras.Model:
    """Classifies images with blocks of convolutions and pooling, followed by two dense layers.

    The structure is ((convolution + ReLU) × k + pooling) × number of blocks, then a hidden dense layer and a
    softmax layer.

    Args:
        image_shape: height, width and channels of the images.
        classes: number of classes.
        filters: number of filters of the convolutions in each block: one integer per block.
        convolutions: k, the number of convolutions before each pooling layer.
        kernel_size: f, height and width of the filters.
        strides: s, the stride of the convolutions.
        padding: `valid` for no padding, `same` for zeros around the feature maps. With `same` and stride 1, a
            convolution keeps the size of the feature maps.
        pooling: `max` or `average`: the value that replaces 2 × 2 values of a feature map.
        units: number of units of the hidden dense layer.

    Formula:
        size after a convolution = ⌊(n + 2p − f) / s⌋ + 1, from size n with p zeros on each side
        size after a pooling layer = ⌊n / 2⌋
        pooled_{mnk} = max, or ¼ Σ, of maps_{2m+i, 2n+j, k} over i, j ∈ {0, 1}
        minimise L = −log ŷ_ℓ, where ℓ is the true class

    Source:
        Lecture notes 004, "CNN architectures", "Stride", "Padding" and "Pooling layer".

    Returns:
        A model from images `(batch, height, width, channels)` to class probabilities `(batch, classes)`, float32. The
        layer `embedding` returns the features `(batch, units)`.
    """
    # === Functional model ===
    image = x = keras.Input(image_shape, name="image")
    for index, count in enumerate(filters, 1):
        x = convolution_layers(x, count, convolutions, f"conv_{index}", kernel_size, strides, padding)
        check_size(x, 2)
        x = POOLING[pooling](2, name=f"pool_{index}")(x)  # (batch, ⌊height / 2⌋, ⌊width / 2⌋, count)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", name="embedding")(x)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, y_hat, name="conv_blocks")
