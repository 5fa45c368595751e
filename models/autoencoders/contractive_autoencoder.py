"""The autoencoder whose code hardly moves when its input does."""

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
    """One hidden layer, penalised for the size of its derivative by the image.

    What stays is what the reconstruction needs: the code follows the directions in which images differ from
    each other, and no other ones.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code.
        weight: λ, beside an error summed over the image.
        output_activation: f, of the reconstruction.

    Formula:
        h = σ(W x + b)
        x̂ = f(W* h + c)
        minimise L(x, x̂) + λ ‖∂h/∂x‖²_F
        ‖∂h/∂x‖²_F = Σ_j (h_j (1 − h_j))² Σ_i W_ji²

    Source:
        Notes 000, lecture 7 (contractive autoencoders, named); Rifai et al. 2011, "Contractive Auto-Encoders:
        Explicit Invariance During Feature Extraction".

    Returns:
        A model `(batch, height, width, channels)` to the same, float32; its layer `encoder` gives the code
        `(batch, code_dim)` and its layer `decoder` takes one.
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
