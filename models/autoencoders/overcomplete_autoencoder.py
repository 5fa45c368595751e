"""The autoencoder whose code is larger than the image."""

import math
from typing import Literal

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, ImageShape, NonNegative
from ..layers.contractive_dense import ContractiveDense
from ..layers.corruption import Corruption
from ..layers.kl_sparsity import KLSparsity
from ..layers.l1_sparsity import L1Sparsity
from ..registry import register


@register
def overcomplete_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    code_dim: Count = 1024,
    regularizer: Literal["none", "l1", "kl", "contractive", "corruption"] = "corruption",
    weight: NonNegative = 0.5,
    code_activation: Literal["sigmoid", "relu", "linear"] = "sigmoid",
    output_activation: Literal["sigmoid", "linear"] = "sigmoid",
) -> keras.Model:
    """Encodes images in a code larger than the image, with a regulariser against mere copying of the input.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code; at least the number of values in an image.
        regularizer: `none`; `l1` or `kl` for a sparsity penalty (see sparse_autoencoder; ρ = 0.05 for `kl`);
            `contractive` for a penalty on the derivative of the code (see contractive_autoencoder); or `corruption`,
            which sets random input values to 0 in training (see denoising_autoencoder).
        weight: weight of the penalty; for `corruption`, the fraction of values set to 0, at most 1. Ignored for `none`.
        code_activation: g, the activation of the code; must be `sigmoid` for `kl` and `contractive`.
        output_activation: f, the activation of the reconstruction.

    Formula:
        h = g(W x + b)
        x̂ = f(W* h + c)
        dim h ≥ dim x
        minimise L(x, x̂) + penalty, where x̂ is computed from x̃ = corrupt(x) for corruption
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]
        penalty = β Σ_j KL(ρ‖ρ̂_j) for kl, λ Σ_j |h_j| for l1, λ ‖∂h/∂x‖²_F for contractive, otherwise 0
        without a regulariser and with linear activations: W* W = I copies every x, even an x that is not an image

    Source:
        Lecture notes 000, lecture 7 (overcomplete autoencoders; regularization); notes 004, "No bottleneck".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer `encoder`
        maps an image to its code `(batch, code_dim)`. The layer `decoder` maps a code to an image.
    """
    values = math.prod(image_shape)
    if code_dim < values:
        raise BadHyperparameter(f"Expected code_dim to be at least {values}. Received: {code_dim}.")
    if regularizer in ("kl", "contractive") and code_activation != "sigmoid":
        raise BadHyperparameter(
            f"Expected code_activation to be sigmoid for {regularizer}. Received: {code_activation}."
        )

    # === Layers ===
    hidden = layers.Dense(code_dim, activation=code_activation, name="code")
    if regularizer == "contractive":
        hidden = ContractiveDense(code_dim, weight, name="code")
    output = layers.Dense(values, activation=output_activation, name="output")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    h = hidden(layers.Flatten(name="flatten")(image))
    if regularizer == "l1":
        h = L1Sparsity(weight, name="sparsity")(h)
    if regularizer == "kl":
        h = KLSparsity(0.05, weight, name="sparsity")(h)
    encoder = keras.Model(image, h, name="encoder")
    code = keras.Input((code_dim,), name="code")
    decoder = keras.Model(code, layers.Reshape(image_shape, name="unflatten")(output(code)), name="decoder")
    x = image
    if regularizer == "corruption":
        x = Corruption("masking", weight, name="masking")(x)
    return keras.Model(image, decoder(encoder(x)), name="overcomplete_autoencoder")
