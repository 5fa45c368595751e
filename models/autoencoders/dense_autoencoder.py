"""The autoencoder with one hidden layer, smaller than the image (undercomplete)."""

import math
from typing import Literal

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, ImageShape
from ..registry import register


@register
def dense_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    code_dim: Count = 32,
    code_activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid",
    output_activation: Literal["sigmoid", "linear"] = "sigmoid",
) -> keras.Model:
    """Compresses images to a short code with a single hidden layer.

    For images with values in [0, 1], use the output activation `sigmoid` and train with cross-entropy. For images with
    any real values, use `linear` and train with squared error.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code, which must be less than the number of values in an image.
        code_activation: g, the activation of the code.
        output_activation: f, the activation of the reconstruction.

    Formula:
        h = g(W x + b)
        x̂ = f(W* h + c)
        dim h < dim x
        minimise L(x, x̂)
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]

    Source:
        Lecture notes 000, lecture 7 (undercomplete autoencoders); notes 004, "Auto encoders".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer `encoder`
        maps an image to its code `(batch, code_dim)`. The layer `decoder` maps a code to an image.
    """
    values = math.prod(image_shape)
    if code_dim >= values:
        raise BadHyperparameter(f"Expected code_dim to be less than {values}. Received: {code_dim}.")

    # === Layers ===
    flatten = layers.Flatten(name="flatten")
    hidden = layers.Dense(code_dim, activation=code_activation, name="code")
    output = layers.Dense(values, activation=output_activation, name="output")
    unflatten = layers.Reshape(image_shape, name="unflatten")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    encoder = keras.Model(image, hidden(flatten(image)), name="encoder")
    code = keras.Input((code_dim,), name="code")
    decoder = keras.Model(code, unflatten(output(code)), name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="dense_autoencoder")
