"""The autoencoder with convolutions instead of dense layers."""

import math
from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape
from ..registry import register
from ._strided import down, up


@register
def convolutional_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    filters: Counts = (32, 64),
    code: Literal["vector", "maps"] = "vector",
    code_dim: Count = 30,
    output_activation: Literal["sigmoid", "linear"] = "sigmoid",
) -> keras.Model:
    """Compresses images with convolutions: strided convolutions encode, transposed convolutions decode.

    Args:
        image_shape: height, width and channels of the images; any size.
        filters: number of filters of each convolution in the encoder. Each convolution halves height and width, rounded
            up. The decoder has transposed convolutions for the same sizes in reverse order.
        code: `vector` if the code is the output of a dense layer on the last feature maps, `maps` if the code is these
            feature maps.
        code_dim: size of the code. Ignored if `code` is `maps`.
        output_activation: activation of the reconstruction: `sigmoid` for values in [0, 1], `linear` for real values.

    Formula:
        (K * x)_{mn} = Σ_{ijc} K_{ijc} x_{2m+i, 2n+j, c}
        maps_l = max(0, K_l * maps_{l−1} + b_l)
        h = W maps_L + b
        decoder: the transpose of each step, with separate weights
        minimise L(x, x̂)
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]

    Source:
        Lecture notes 004, "Auto encoders" and "Convolutional layer"; notes 003, "Autoencoders: Applications".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer `encoder`
        maps an image to its code: `(batch, code_dim)` for `vector`, and
        `(batch, ⌈height / 2ᴸ⌉, ⌈width / 2ᴸ⌉, filters[-1])` for `maps`, where L is the number of convolutions. The layer
        `decoder` maps a code to an image.
    """
    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    x, shapes = down(image, filters)
    if code == "vector":
        x = layers.Dense(code_dim, name="code")(layers.Flatten()(x))
    encoder = keras.Model(image, x, name="encoder")

    h = y = keras.Input(x.shape[1:], name="code")
    if code == "vector":
        y = layers.Dense(math.prod(shapes[-1]), activation="relu")(y)
        y = layers.Reshape(shapes[-1])(y)
    decoder = keras.Model(h, up(y, shapes, output_activation), name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="convolutional_autoencoder")
