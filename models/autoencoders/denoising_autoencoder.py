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
    """Sees a corrupted image, must return the clean one.

    The corruption is a part of the model, on in training and off at inference, so the training target is
    simply the input: `model.fit(x, x)`.

    Args:
        image_shape: height, width and channels of the images; any size.
        network: `convolutional`, or `dense` for the one hidden layer of dense_autoencoder.
        filters: as in convolutional_autoencoder. Not for `dense`.
        code: as in convolutional_autoencoder. Not for `dense`.
        code_dim: size of the code. Not for `maps`.
        noise: `gaussian` (clipped to [0, 1]), `masking` (values set to 0) or `salt_and_pepper` (0 or 1).
        noise_level: standard deviation of `gaussian`; share of the values struck, at most 1, of the others.

    Formula:
        x̃ = corrupt(x)
        minimise L(x, D(E(x̃)))

    Source:
        Notes 003, "Denoising Autoencoder"; notes 004, "Denoising Autoencoders"; Vincent et al. 2008,
        "Extracting and Composing Robust Features with Denoising Autoencoders".

    Returns:
        A model `(batch, height, width, channels)` to the same, float32; its layer `encoder` gives the code
        `(batch, code_dim)`, its layer `decoder` takes one, and its layer `corruption` stands before them.
    """
    # === Layers ===
    corruption = Corruption(noise, noise_level, name="corruption")
    if network == "dense":
        plain = dense_autoencoder(image_shape=image_shape, code_dim=code_dim, code_activation="relu")
    else:
        plain = convolutional_autoencoder(image_shape=image_shape, filters=filters, code=code, code_dim=code_dim)
    encoder, decoder = plain.get_layer("encoder"), plain.get_layer("decoder")

    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    return keras.Model(image, decoder(encoder(corruption(image))), name="denoising_autoencoder")
