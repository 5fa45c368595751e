"""The autoencoder with a sparsity penalty."""

import math
from typing import Literal

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, ImageShape, NonNegative
from ..layers.kl_sparsity import Estimate, KLSparsity
from ..layers.l1_sparsity import L1Sparsity
from ..registry import register


@register
def sparse_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    code_dim: Count = 100,
    penalty: Literal["kl", "l1"] = "kl",
    weight: NonNegative = 50.0,
    rho: NonNegative = 0.05,
    estimate: Estimate = "batch",
    code_activation: Literal["sigmoid", "tanh", "relu"] = "sigmoid",
    output_activation: Literal["sigmoid", "linear"] = "sigmoid",
) -> keras.Model:
    """Encodes images sparsely: each unit of the code is active for only a few images.

    Args:
        image_shape: height, width and channels of the images.
        code_dim: size of the code, which can be larger than the number of values in an image.
        penalty: `kl` penalises the mean activation of each unit, `l1` penalises each activation. `kl` does not work
            with the code activation `relu`, because a ReLU has no upper bound.
        weight: weight of the penalty (β for `kl`, λ for `l1`), relative to the reconstruction error summed over the
            pixels.
        rho: ρ, the target mean activation for `kl`, between 0 and 1. Ignored for `l1`.
        estimate: how `kl` estimates the mean activation: `batch` for the mean over each batch, `full_pass` for the mean
            over the whole training set every 20 steps, `full_pass_each_step` for this mean before each step. Ignored
            for `l1`.
        code_activation: g, the activation of the code. An inactive unit has the value −1 for `tanh` and 0 for `sigmoid`
            and `relu`.
        output_activation: f, the activation of the reconstruction.

    Formula:
        minimise J_sparse = L(x, x̂) + β Σ_j KL(ρ‖ρ̂_j) for kl, or L(x, x̂) + λ Σ_j |h_j| for l1
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]
        KL(ρ‖ρ̂_j) = ρ log(ρ/ρ̂_j) + (1 − ρ) log((1 − ρ)/(1 − ρ̂_j))
        ρ̂_j = 1/m Σ_i h_j(x_i)
        ∂J/∂h_j = ∂L/∂h_j + β (−ρ/ρ̂_j + (1 − ρ)/(1 − ρ̂_j)) / m
        For tanh, (h_j + 1)/2 replaces h_j in the formulas for kl, and |h_j + 1| replaces |h_j| in the formula for l1.

    Source:
        Lecture notes 003, "Sparse Autoencoder" to "Gradient Calculation"; notes 004, "Sparse Autoencoders".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer `encoder`
        maps an image to its code `(batch, code_dim)`. The layer `decoder` maps a code to an image.
    """
    if penalty == "kl" and code_activation == "relu":
        raise BadHyperparameter("Expected code_activation to be sigmoid or tanh for the penalty kl. Received: relu.")

    # === Layers ===
    low = -1.0 if code_activation == "tanh" else 0.0
    flatten = layers.Flatten(name="flatten")
    hidden = layers.Dense(code_dim, activation=code_activation, name="code")
    sparsity: keras.layers.Layer
    if penalty == "l1":
        sparsity = L1Sparsity(weight, low, name="sparsity")
    else:
        sparsity = KLSparsity(rho, weight, low, estimate, name="sparsity")
    output = layers.Dense(math.prod(image_shape), activation=output_activation, name="output")
    unflatten = layers.Reshape(image_shape, name="unflatten")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    encoder = keras.Model(image, sparsity(hidden(flatten(image))), name="encoder")
    code = keras.Input((code_dim,), name="code")
    decoder = keras.Model(code, unflatten(output(code)), name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="sparse_autoencoder")
