"""The typical architecture: blocks of convolutions and pooling, then dense layers."""

from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape
from ..registry import register
from ._maps import check_room, convolution_layers


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
    units: Count = 64,
) -> keras.Model:
    """((convolution + ReLU) × k + pooling) × n, then dense: the image shrinks while its channels grow.

    Args:
        image_shape: height, width and channels of the images.
        classes: how many there are.
        filters: of each block's convolutions; as many blocks as numbers.
        convolutions: k, how many convolutions come before each pooling.
        kernel_size: f, height and width of the filters.
        strides: s, of the convolutions.
        padding: `valid` for none, `same` for zeros around the maps so that stride 1 keeps their size.
        units: of the dense layer before the output.

    Formula:
        size after a convolution = ⌊(n + 2p − f) / s⌋ + 1, p zeros on each side
        size after a pooling = ⌊n / 2⌋

    Source:
        Notes 004, "CNN architectures", "Stride" and "Padding".

    Returns:
        A model `(batch, height, width, channels)` to class probabilities `(batch, classes)`, float32; its layer
        `embedding` gives the features `(batch, units)`.
    """
    # === Functional model ===
    image = x = keras.Input(image_shape, name="image")
    for index, count in enumerate(filters, 1):
        x = convolution_layers(x, count, convolutions, f"conv_{index}", kernel_size, strides, padding)
        check_room(x, 2)
        x = layers.MaxPooling2D(2, name=f"pool_{index}")(x)  # (batch, ⌊height / 2⌋, ⌊width / 2⌋, count)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", name="embedding")(x)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, y_hat, name="conv_blocks")
