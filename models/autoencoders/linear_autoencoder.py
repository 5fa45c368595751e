"""The autoencoder that finds what PCA finds."""

import math

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, ImageShape
from ..registry import register


@register
def linear_autoencoder(*, image_shape: ImageShape = (28, 28, 1), code_dim: Count = 32) -> keras.Model:
    """No activation function: with the squared error, the code spans PCA's subspace.

    The subspace alone: W is any basis of it, neither orthogonal nor in PCA's order.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code; fewer than the image has values.

    Formula:
        h = W x + b
        x̂ = W* h + c
        minimise Σ_j (x̂_j − x_j)²

    Source:
        Notes 000, lecture 7 (autoencoders and PCA); notes 004, "PCA Vs Autoencoders"; Baldi and Hornik 1989,
        "Neural Networks and Principal Component Analysis".

    Returns:
        A model `(batch, height, width, channels)` to the same, float32, any real values; its layer `encoder`
        gives the code `(batch, code_dim)` and its layer `decoder` takes one.
    """
    values = math.prod(image_shape)
    if code_dim >= values:
        raise BadHyperparameter(f"Expected code_dim to be less than {values}. Received: {code_dim}.")

    # === Layers ===
    flatten = layers.Flatten(name="flatten")
    hidden = layers.Dense(code_dim, name="code")
    output = layers.Dense(values, name="output")
    unflatten = layers.Reshape(image_shape, name="unflatten")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    encoder = keras.Model(image, hidden(flatten(image)), name="encoder")
    code = keras.Input((code_dim,), name="code")
    decoder = keras.Model(code, unflatten(output(code)), name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="linear_autoencoder")
