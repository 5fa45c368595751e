"""The network of `convnet` with 1×1 convolutions that reduce the number of channels."""

from typing import Any, Literal

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, ImageShape
from ..layers.depth_pooling import DepthPooling
from ..registry import register
from ._maps import check_size

FILTERS = (32, 64, 64)  # number of filters of the 3×3 convolutions, the same as in `convnet`


@register
def pointwise_convnet(
    *,
    image_shape: ImageShape = (28, 28, 1),
    classes: Count = 10,
    reduction: Literal["pointwise", "depth_pooling", "none"] = "pointwise",
    factor: Count = 4,
) -> keras.Model:
    """Classifies images with fewer parameters: 1×1 convolutions reduce the channels of `convnet`.

    A 1×1 convolution after each 3×3 convolution reduces the number of channels, so the next layer needs fewer weights.
    The 1×1 convolution multiplies the channels at each position by the same matrix. For comparison, the channels can be
    reduced by max pooling over channels, which has no weights. Without a reduction, the layers are the same as in
    `convnet`.

    Args:
        image_shape: height, width and channels of the images, at least 18 × 18.
        classes: number of classes.
        reduction: `pointwise` for 1×1 convolutions, `depth_pooling` for max pooling over neighbouring channels, or
            `none`.
        factor: factor by which the number of channels is divided: a power of two from 1 to 32. Ignored for `none`.

    Formula:
        maps_{mnk} = max(0, Σ_c W_{ck} x_{mnc} + b_k), k = 1 … channels / factor
        minimise L = −log ŷ_ℓ, where ℓ is the true class

    Source:
        Lecture notes 004, "Purpose of 1×1 convolution" and "Pooling layer"; Lin, Chen and Yan 2013, "Network In
        Network".

    Returns:
        A model from images `(batch, height, width, channels)` to class probabilities `(batch, classes)`, float32. The
        layer `embedding` returns the features `(batch, 64)`.
    """
    if reduction != "none" and any(count % factor for count in FILTERS):
        raise BadHyperparameter(f"Expected factor to divide {', '.join(map(str, FILTERS))}. Received: {factor}.")

    # === Functional model ===
    image = x = keras.Input(image_shape, name="image")
    for index, count in enumerate(FILTERS, 1):
        if index > 1:
            check_size(x, 2)
            x = layers.MaxPooling2D(2, name=f"pool_{index - 1}")(x)
        check_size(x, 3)
        x = layers.Conv2D(count, 3, activation="relu", name=f"conv_{index}")(x)
        x = _reduce_channels(x, reduction, count // factor, f"reduction_{index}")  # channels: count / factor
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(64, activation="relu", name="embedding")(x)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, y_hat, name="pointwise_convnet")


def _reduce_channels(x: Any, reduction: str, channels: int, name: str) -> Any:
    if reduction == "pointwise":
        return layers.Conv2D(channels, 1, activation="relu", name=name)(x)
    if reduction == "depth_pooling":
        return DepthPooling(x.shape[-1] // channels, name=name)(x)
    return x
