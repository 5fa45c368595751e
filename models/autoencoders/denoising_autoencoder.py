"""The autoencoder that learns to remove noise."""

from typing import Literal

import keras

from ..hyperparameters import Count, Counts, ImageShape, NonNegative
from ..layers.corruption import Corruption
from ..registry import register
from .convolutional_autoencoder import convolutional_autoencoder
from .dense_autoencoder import dense_autoencoder


@register
def denoising_autoencoder(
    *,
    image_shape: ImageShape = (28, 28, 1),
    network: Literal["convolutional", "dense"] = "convolutional",
    filters: Counts = (16, 32),
    code: Literal["vector", "maps"] = "vector",
    code_dim: Count = 32,
    noise: Literal["gaussian", "masking", "salt_and_pepper"] = "gaussian",
    noise_level: NonNegative = 0.4,
) -> keras.Model:
    """Removes noise from images: learns to return the clean image for a noisy one.

    The model adds the noise itself, but only in training. So the clean images are both the inputs and the targets:
    `model.fit(x, x)`.

    Args:
        image_shape: height, width and channels of the images; any size.
        network: `convolutional` for the network of convolutional_autoencoder, `dense` for the network of
            dense_autoencoder with a ReLU code.
        filters: number of filters of each convolution in the encoder (see convolutional_autoencoder). Ignored for the
            network `dense`.
        code: `vector` or `maps` (see convolutional_autoencoder). Ignored for the network `dense`.
        code_dim: size of the code. Ignored for the network `convolutional` with the code `maps`.
        noise: `gaussian` (clipped to [0, 1]), `masking` (values set to 0) or `salt_and_pepper` (values set to 0 or 1).
        noise_level: for `gaussian`, the standard deviation of the noise; for `masking` and `salt_and_pepper`, the
            fraction of changed values, at most 1.

    Formula:
        x̃ = corrupt(x)
        minimise L(x, x̂), x̂ = D(E(x̃))
        L(x, x̂) = Σ_j (x̂_j − x_j)², or −Σ_j [x_j log x̂_j + (1 − x_j) log(1 − x̂_j)] for values in [0, 1]

    Source:
        Lecture notes 003, "Denoising Autoencoder"; notes 004, "Denoising Autoencoders"; Vincent et al. 2008,
        "Extracting and Composing Robust Features with Denoising Autoencoders".

    Returns:
        A model from images `(batch, height, width, channels)` to images of the same shape, float32. The layer
        `corruption` adds the noise in training. The layer `encoder` maps an image to its code: feature maps for the
        network `convolutional` with the code `maps`, otherwise `(batch, code_dim)`. The layer `decoder` maps a code to
        an image.
    """
    # === Layers ===
    corruption = Corruption(noise, noise_level, name="corruption")
    if network == "dense":
        autoencoder = dense_autoencoder(image_shape=image_shape, code_dim=code_dim, code_activation="relu")
    else:
        autoencoder = convolutional_autoencoder(image_shape=image_shape, filters=filters, code=code, code_dim=code_dim)
    encoder, decoder = autoencoder.get_layer("encoder"), autoencoder.get_layer("decoder")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    return keras.Model(image, decoder(encoder(corruption(image))), name="denoising_autoencoder")
