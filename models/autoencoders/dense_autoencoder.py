"""The autoencoder with one hidden layer."""

from __future__ import annotations

import math
from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Shape
from ..registry import register


@register
def dense_autoencoder(
    *,
    image_shape: Shape = (28, 28, 1),
    code_dim: Count = 32,
    code_activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid",
    output_activation: Literal["sigmoid", "linear"] = "sigmoid",
) -> keras.Model:
    """One hidden layer, the code, from which the image is rebuilt.

    With fewer code units than pixels it is undercomplete: the code must hold what matters about the image.
    A sigmoid output suits binary images and those in [0, 1], with cross-entropy; a linear one suits real
    values, with the squared error. All linear, with the squared error, its best code spans PCA's subspace.

    Formula:
        h = g(Wx + b),  x̂ = f(W*h + c)

    Source:
        notes 000, "Autoencoders and relation to PCA"

    Args:
        image_shape: height, width and channels of an image.
        code_dim: units of the hidden layer, the size of the code h.
        code_activation: the encoder's g.
        output_activation: the decoder's f.

    Returns:
        A model from images (batch, height, width, channels) to their reconstructions of the same shape.
    """
    # === Layers ===
    image = keras.Input(image_shape, name="image")
    hidden = layers.Dense(code_dim, activation=code_activation, name="hidden")
    code = keras.Input((code_dim,), name="code")
    output = layers.Dense(math.prod(image_shape), activation=output_activation, name="output")

    # === Functional model ===
    encoder = keras.Model(image, hidden(layers.Flatten()(image)), name="encoder")  # (batch, code_dim)
    decoder = keras.Model(code, layers.Reshape(image_shape)(output(code)), name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="dense_autoencoder")
