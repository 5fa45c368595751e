"""The residual network, with or without skip connections."""

from typing import Any

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, Counts, ImageShape
from ..layers.pad_channels import PadChannels
from ..registry import register


@register
def residual_network(
    *,
    image_shape: ImageShape = (28, 28, 1),
    classes: Count = 10,
    filters: Counts = (16, 32, 64),
    blocks: Count = 3,
    stem_stride: Count = 1,
    skips: bool = True,
    normalization: bool = True,
) -> keras.Model:
    """Classifies images with a deep network whose blocks have skip connections (ResNet).

    A skip connection adds the input of a block to the output of the block. So the block learns only the difference
    between the desired output and the input. Skip connections have no weights: if the output has smaller feature maps
    or more channels, the skip connection applies average pooling and appends channels of zeros. So the network has the
    same number of parameters with and without skip connections.

    Args:
        image_shape: height, width and channels of the images.
        classes: number of classes.
        filters: number of filters in each stage, in ascending order. Each stage after the first halves height and
            width.
        blocks: number of blocks in each stage. Each block has two convolutions.
        stem_stride: stride of the first convolution. With 2, all later layers need a quarter of the computation.
        skips: whether to use skip connections.
        normalization: whether to apply batch normalisation before each ReLU. Without batch normalisation, the
            convolutions have biases.

    Formula:
        block(x) = W₂ * max(0, BN(W₁ * max(0, BN(x))))
        x_{l+1} = x_l + block(x_l)         with skips: the block learns h(x) − x
        x_{l+1} = block(x_l)               without skips: the block learns h(x)
        minimise L = −log ŷ_ℓ, where ℓ is the true class
        ∂L/∂x_l = (1 + ∂block/∂x_l)ᵀ ∂L/∂x_{l+1}

    Source:
        Lecture notes 004, "Purpose of skip connections" and "Residual learning"; He et al. 2016, "Deep Residual
        Learning for Image Recognition" (option A) and "Identity Mappings in Deep Residual Networks" (activation before
        convolution).

    Returns:
        A model from images `(batch, height, width, channels)` to class probabilities `(batch, classes)`, float32. The
        layer `embedding` returns the means of the last feature maps `(batch, filters[-1])`.
    """
    if list(filters) != sorted(filters):
        raise BadHyperparameter(f"Expected filters in ascending order. Received: {filters}.")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    x = _convolution(image, filters[0], stem_stride, "stem", normalization)
    for stage, count in enumerate(filters, 1):
        for index in range(1, blocks + 1):
            strides = 2 if stage > 1 and index == 1 else 1
            name = f"block_{stage}_{index}"
            y = _block(x, count, strides, name, normalization)
            x = layers.Add(name=name)([_shortcut(x, count, strides, name), y]) if skips else y
    x = _activate(x, "last", normalization)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)  # (batch, filters)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, y_hat, name="residual_network")


def _block(x: Any, count: int, strides: int, name: str, normalization: bool) -> Any:
    """Applies two convolutions. Returns feature maps `(batch, ⌈height / strides⌉, ⌈width / strides⌉, count)`."""
    for index, step in ((1, strides), (2, 1)):
        x = _activate(x, f"{name}_{index}", normalization)
        x = _convolution(x, count, step, f"{name}_conv_{index}", normalization)
    return x


def _shortcut(x: Any, count: int, strides: int, name: str) -> Any:
    """Returns the input of a block, pooled and padded to the shape of the block's output."""
    if strides > 1:
        x = layers.AveragePooling2D(strides, padding="same", name=f"{name}_shortcut_pool")(x)
    if x.shape[-1] < count:
        x = PadChannels(count, name=f"{name}_shortcut_channels")(x)
    return x


def _activate(x: Any, name: str, normalization: bool) -> Any:
    if normalization:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _convolution(x: Any, count: int, strides: int, name: str, normalization: bool) -> Any:
    return layers.Conv2D(
        count,
        3,
        strides=strides,
        padding="same",
        use_bias=not normalization,  # batch normalisation has its own bias
        kernel_initializer="he_normal",
        name=name,
    )(x)
