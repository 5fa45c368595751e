"""The autoencoder that sees a noisy image and gives back the clean one."""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, Counts, Fraction, Shape
from ..layers.corruption import Corruption, Noise
from ..registry import register


@register
def denoising_autoencoder(
    *,
    image_shape: Shape = (28, 28, 1),
    network: Literal["convolutional", "dense"] = "convolutional",
    code_dim: Count = 64,
    filters: Counts = (32, 64),
    hidden_dim: Count = 512,
    noise: Noise = "gaussian",
    noise_level: Fraction = 0.4,
) -> keras.Model:
    """Corrupts its input while training and learns to rebuild the clean image, so that it cannot copy.

    At inference nothing is added: what comes in is taken as noisy.

    Formula:
        minimise L(x, D(E(x̃))),  x̃ = corrupt(x)

    Source:
        notes 003, "Denoising Autoencoder"

    Args:
        image_shape: height, width and channels of an image.
        network: convolutional, or dense with one hidden layer on each side of the code.
        code_dim: size of the code vector.
        filters: of the encoder's convolutions, each of which halves the image; the decoder mirrors them.
        hidden_dim: units of the dense network's hidden layers.
        noise: gaussian (clipped to [0, 1]), masking (pixels become 0) or salt_and_pepper (0 or 1).
        noise_level: the Gaussian's standard deviation, or the share of the pixels hit.

    Returns:
        A model from images (batch, height, width, channels) in [0, 1] to clean ones of the same shape.

    Raises:
        BadHyperparameter: more filters than the image can be halved.
    """
    # === Layers ===
    image = keras.Input(image_shape, name="image")
    code = keras.Input((code_dim,), name="code")
    corruption = Corruption(noise, noise_level, name="corruption")
    if network == "convolutional":
        down, up = _convolutional(image_shape, code_dim, filters)
    else:
        down, up = _dense(image_shape, code_dim, hidden_dim)

    # === Functional model ===
    encoder = keras.Model(image, _chain(down, image), name="encoder")  # (batch, code_dim)
    decoder = keras.Model(code, _chain(up, code), name="decoder")  # (batch, height, width, channels)
    return keras.Model(image, decoder(encoder(corruption(image))), name="denoising_autoencoder")


def _convolutional(shape: Shape, code_dim: int, filters: Counts) -> tuple[list[Any], list[Any]]:
    height, width, channels = shape
    if len(filters) > (most := (max(height, width) - 1).bit_length()):  # then one by one pixel is left
        raise BadHyperparameter(
            f"Expected at most {most} filters for {height} × {width} pixels. Received: {filters}"
        )
    factor = 2 ** len(filters)
    # Strided "same" convolutions round up: 28 → 14 → 7, and 9 → 5 → 3.
    small = (math.ceil(height / factor), math.ceil(width / factor), filters[-1])
    down = [layers.Conv2D(count, 3, 2, padding="same", activation="relu") for count in filters]
    up = [layers.Conv2DTranspose(count, 3, 2, padding="same", activation="relu") for count in filters[::-1]]
    return (
        [*down, layers.Flatten(), layers.Dense(code_dim, name="hidden")],
        [
            layers.Dense(math.prod(small), activation="relu"),
            layers.Reshape(small),
            *up,  # (batch, factor · small height, factor · small width, filters[0])
            layers.Conv2D(channels, 3, padding="same", activation="sigmoid", name="output"),
            # The rows and columns that rounding up added.
            layers.Cropping2D(((0, factor * small[0] - height), (0, factor * small[1] - width))),
        ],
    )


def _dense(shape: Shape, code_dim: int, hidden_dim: int) -> tuple[list[Any], list[Any]]:
    return (
        [
            layers.Flatten(),
            layers.Dense(hidden_dim, activation="relu"),
            layers.Dense(code_dim, name="hidden"),
        ],
        [
            layers.Dense(hidden_dim, activation="relu"),
            layers.Dense(math.prod(shape), activation="sigmoid", name="output"),
            layers.Reshape(shape),
        ],
    )


def _chain(steps: list[Any], x: Any) -> Any:
    for step in steps:
        x = step(x)
    return x
