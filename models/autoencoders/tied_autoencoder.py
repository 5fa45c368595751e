"""The autoencoder whose decoder uses the encoder's kernel, transposed."""

import math
from typing import Literal

import keras

from ..errors import BadHyperparameter
from ..hyperparameters import Count, ImageShape
from ..registry import register
from ._tied import TiedStack


@register
def tied_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    code_dim: Count = 32,
    activation: Literal["sigmoid", "tanh", "relu", "linear"] = "linear",
    use_bias: bool = False,
) -> keras.Model:
    """Compresses images with one weight matrix: the decoder uses the encoder's kernel, transposed.

    The gradient of W is the sum of the gradients through the encoder and through the decoder.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code, which must be less than the number of values in an image.
        activation: f, the activation of the code and of the reconstruction. The lecture notes use `linear`.
        use_bias: whether the encoder and the decoder have biases. The lecture notes use no biases.

    Formula:
        h = f(W x)
        x̂ = f(Wᵀ h)
        minimise L(x, x̂)
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]
        ∂(½‖x̂ − x‖²)/∂W = W x (Wᵀ W x − x)ᵀ + W (Wᵀ W x − x) xᵀ        (linear f)

    Source:
        Lecture notes 001, question 1, "Backpropagation for autoencoders".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer `encoder`
        maps an image to its code `(batch, code_dim)`. The layer `decoder` maps a code to an image.
    """
    values = math.prod(image_shape)
    if code_dim >= values:
        raise BadHyperparameter(f"Expected code_dim to be less than {values}. Received: {code_dim}.")
    return TiedStack(
        image_shape=image_shape,
        units=(code_dim,),
        activation=activation,
        code_activation=activation,
        output_activation=activation,
        use_bias=use_bias,
        name="tied_autoencoder",
    )
