"""The autoencoder that finds the same subspace as PCA."""

import math

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, ImageShape
from ..registry import register


@register
def linear_autoencoder(*, image_shape: ImageShape = (28, 28, 1), code_dim: Count = 32) -> keras.Model:
    """Compresses images like PCA: without activation functions, the code spans the PCA subspace.

    Train the model with squared error. The rows of W are an arbitrary basis of the PCA subspace: they are not the
    principal components, and in general they are not orthogonal.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code, which must be less than the number of values in an image.

    Formula:
        h = W x + b
        x̂ = W* h + c
        minimise Σ_j (x̂_j − x_j)²

    Source:
        Lecture notes 000, lecture 7 (autoencoders and PCA); notes 004, "PCA Vs Autoencoders"; Baldi and Hornik 1989,
        "Neural Networks and Principal Component Analysis".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32 with any real
        values. The layer `encoder` maps an image to its code `(batch, code_dim)`. The layer `decoder` maps a code to an
        image.
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
