"""The autoencoder with a penalty on the derivative of the code with respect to the image."""

import math
from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, ImageShape, NonNegative
from ..layers.contractive_dense import ContractiveDense
from ..registry import register


@register
def contractive_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    code_dim: Count = 32,
    weight: NonNegative = 0.1,
    output_activation: Literal["sigmoid", "linear"] = "sigmoid",
) -> keras.Model:
    """Encodes images robustly: the code hardly changes if the image changes slightly.

    The loss penalises the derivative of the code with respect to the image. So the code changes only in the directions
    that the reconstruction needs: the directions in which the training images differ.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code.
        weight: λ, the weight of the penalty, relative to the reconstruction error summed over the pixels.
        output_activation: f, the activation of the reconstruction.

    Formula:
        h = σ(W x + b)
        x̂ = f(W* h + c)
        minimise L(x, x̂) + λ ‖∂h/∂x‖²_F
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]
        ‖∂h/∂x‖²_F = Σ_j (h_j (1 − h_j))² Σ_i W_ji²

    Source:
        Lecture notes 000, lecture 7 (mentions contractive autoencoders); Rifai et al. 2011, "Contractive Auto-Encoders:
        Explicit Invariance During Feature Extraction".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer `encoder`
        maps an image to its code `(batch, code_dim)`. The layer `decoder` maps a code to an image.
    """
    # === Layers ===
    flatten = layers.Flatten(name="flatten")
    hidden = ContractiveDense(code_dim, weight, name="code")
    output = layers.Dense(math.prod(image_shape), activation=output_activation, name="output")
    unflatten = layers.Reshape(image_shape, name="unflatten")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    encoder = keras.Model(image, hidden(flatten(image)), name="encoder")
    code = keras.Input((code_dim,), name="code")
    decoder = keras.Model(code, unflatten(output(code)), name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="contractive_autoencoder")
