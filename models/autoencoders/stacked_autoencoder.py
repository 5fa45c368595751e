"""The deep autoencoder, with several hidden layers."""

import math
from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape
from ..registry import register
from ._tied import TiedStack

Activation = Literal["relu", "selu", "elu", "tanh", "sigmoid", "linear"]


@register
def stacked_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    hidden: Counts = (1000, 500, 250),
    code_dim: Count = 30,
    activation: Activation = "relu",
    code_activation: Activation = "linear",
    output_activation: Literal["sigmoid", "linear"] = "sigmoid",
    tied: bool = False,
) -> keras.Model:
    """Compresses images with a deep network: several hidden layers before and after the code.

    Args:
        image_shape: height, width and channels of the images.
        hidden: sizes of the encoder's hidden layers. The decoder has the same sizes in reverse order.
        code_dim: size of the code.
        activation: activation of the hidden layers.
        code_activation: activation of the code.
        output_activation: activation of the reconstruction: `sigmoid` for values in [0, 1], `linear` for real values.
        tied: whether the decoder uses the encoder's kernels, transposed. The decoder always has its own biases.

    Formula:
        h₀ = x,  h_l = g(W_l h_{l−1} + b_l)
        y_L = h_L,  y_{l−1} = g(W*_l y_l + c_l),  x̂ = f(W*_1 y_1 + c_1)
        tied: W*_l = W_lᵀ
        minimise L(x, x̂)
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]

    Source:
        Lecture notes 003, "Hyperparameter" (the decoder is symmetric to the encoder); notes 004, "Stacked / Deep
        Autoencoder"; the 784-1000-500-250-30 network: Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of
        Data with Neural Networks".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer `encoder`
        maps an image to its code `(batch, code_dim)`. The layer `decoder` maps a code to an image.
    """
    if tied:
        return TiedStack(
            image_shape=image_shape,
            units=(*hidden, code_dim),
            activation=activation,
            code_activation=code_activation,
            output_activation=output_activation,
            use_bias=True,
            name="stacked_autoencoder",
        )

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    x = layers.Flatten(name="flatten")(image)
    for depth, units in enumerate(hidden, 1):
        x = layers.Dense(units, activation=activation, name=f"hidden_{depth}")(x)
    encoder = keras.Model(image, layers.Dense(code_dim, activation=code_activation, name="code")(x), name="encoder")

    code = y = keras.Input((code_dim,), name="code")
    for depth, units in reversed(list(enumerate(hidden, 1))):
        y = layers.Dense(units, activation=activation, name=f"back_{depth}")(y)
    y = layers.Dense(math.prod(image_shape), activation=output_activation, name="output")(y)
    decoder = keras.Model(code, layers.Reshape(image_shape, name="unflatten")(y), name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="stacked_autoencoder")
