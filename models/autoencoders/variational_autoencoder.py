"""The variational autoencoder, a generative model."""

import math
from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape, NonNegative
from ..layers.gaussian_kl import GaussianKL
from ..layers.gaussian_sample import GaussianSample
from ..registry import register
from ._strided import down, up


@register
def variational_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    network: Literal["dense", "convolutional"] = "dense",
    hidden: Counts = (200, 200),
    filters: Counts = (32, 64),
    code_dim: Count = 50,
    activation: Literal["elu", "relu", "tanh"] = "elu",
    kl_weight: NonNegative = 1.0,
) -> keras.Model:
    """Generates new images from random codes: encodes each image as a normal distribution of codes.

    The encoder computes the mean and the variance of a normal distribution of codes for each image. The KL term of the
    loss keeps these distributions close to N(0, 1). To generate a new image, draw a code from N(0, 1) and decode the
    code. The loss is an upper bound on −log p(x) only for binary images and cross-entropy, because p(x|z) is then a
    Bernoulli distribution for each pixel.

    Args:
        image_shape: height, width and channels of the images.
        network: `dense` or `convolutional`, for both the encoder and the decoder.
        hidden: sizes of the encoder's dense layers; the decoder has the same sizes in reverse. Ignored for
            `convolutional`.
        filters: number of filters of each convolution in the encoder. Each convolution halves height and width, rounded
            up. The decoder has transposed convolutions for the same sizes in reverse order. Ignored for `dense`.
        code_dim: size of the code.
        activation: activation of the hidden layers.
        kl_weight: β, the weight of the KL term. With 1, the loss is the negative evidence lower bound.

    Formula:
        q(z|x) = N(μ(x), σ²(x)),  p(z) = N(0, 1)
        z = μ + σ ε,  ε ~ N(0, 1)
        minimise −log p(x|z) + β KL(q(z|x)‖p(z)); for β = 1, its mean over z is an upper bound of −log p(x)
        −log p(x|z) = −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)]
        KL = ½ Σ_j (μ_j² + σ_j² − log σ_j² − 1)

    Source:
        Lecture notes 003, "Variational Autoencoder" and "Variational Inference"; notes 004, "Applications"; Kingma and
        Welling 2013, "Auto-Encoding Variational Bayes".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32, in [0, 1]. The
        layer `encoder` maps an image to its code `(batch, code_dim)`: a sample from q(z|x) in training, and the mean of
        q(z|x) at inference. The encoder's layers `mean` and `log_variance` return μ and log σ². The layer `decoder`
        maps a code to an image.
    """
    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    shapes = [image_shape]
    if network == "dense":
        x = layers.Flatten(name="flatten")(image)
        for depth, units in enumerate(hidden, 1):
            x = layers.Dense(units, activation=activation, name=f"hidden_{depth}")(x)
    else:
        maps, shapes = down(image, filters, activation)
        x = layers.Flatten(name="flatten")(maps)
    mean = layers.Dense(code_dim, name="mean")(x)
    log_variance = layers.Dense(code_dim, name="log_variance")(x)
    z = GaussianSample(name="sample")(GaussianKL(kl_weight, name="kl")([mean, log_variance]))
    encoder = keras.Model(image, z, name="encoder")

    code = y = keras.Input((code_dim,), name="code")
    if network == "dense":
        for depth, units in reversed(list(enumerate(hidden, 1))):
            y = layers.Dense(units, activation=activation, name=f"back_{depth}")(y)
        y = layers.Dense(math.prod(image_shape), activation="sigmoid", name="output")(y)
        y = layers.Reshape(image_shape, name="unflatten")(y)
    else:
        y = layers.Dense(math.prod(shapes[-1]), activation=activation, name="maps")(y)
        y = up(layers.Reshape(shapes[-1], name="unflatten")(y), shapes, "sigmoid", activation)
    decoder = keras.Model(code, y, name="decoder")
    return keras.Model(image, decoder(encoder(image)), name="variational_autoencoder")
