"""The autoencoder whose decoder is its encoder, transposed."""

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
    """One kernel, used on the way in and, transposed, on the way back.

    The loss reaches W on two paths: it is one weight, and its gradient is the sum of both.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code; fewer than the image has values.
        activation: f, of the code and of the reconstruction; `linear` for the linear example.
        use_bias: whether the code and the reconstruction have a bias; the notes have none.

    Formula:
        h = f(W x)
        x̂ = f(Wᵀ h)
        minimise ½‖x̂ − x‖²
        ∂L/∂W = W x (Wᵀ W x − x)ᵀ + W (Wᵀ W x − x) xᵀ        (linear f)

    Source:
        Notes 001, question 1, "Backpropagation for autoencoders".

    Returns:
        A model `(batch, height, width, channels)` to the same, float32; its layer `encoder` gives the code
        `(batch, code_dim)` and its layer `decoder` takes one.
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
