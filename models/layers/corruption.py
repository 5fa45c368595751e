"""Noise that a denoising autoencoder learns to remove."""

from typing import Any, Literal, get_args

import keras
from keras import ops

from ..errors import BadHyperparameter

Noise = Literal["gaussian", "masking", "salt_and_pepper"]


@keras.saving.register_keras_serializable(package="keras_gallery")
class Corruption(keras.layers.Layer):
    """Corrupts images in [0, 1], in training only.

    A model that sees x̃ and must return x cannot learn the identity (notes 003, "Denoising Autoencoder";
    Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders").

    Args:
        noise: `gaussian` (clipped to [0, 1]), `masking` (values set to 0) or `salt_and_pepper` (values set to
            0 or 1, as likely).
        level: the standard deviation of `gaussian`, at least 0; else the share of values struck, from 0 to 1.
        seed: of the random stream, for a repeatable one.

    Call arguments:
        inputs: images `(batch, height, width, channels)`, float, in [0, 1].
        training: the layer returns its inputs unless this is true.
    """

    def __init__(self, noise: Noise = "gaussian", level: float = 0.4, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check(noise, level)
        self.noise = noise
        self.level = level
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        # The generator stays untouched at inference: a served graph must not write random state.
        return corrupt(inputs, self.noise, self.level, self.seed_generator) if training else inputs

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Nothing, at inference."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "noise": self.noise, "level": self.level, "seed": self.seed}


def corrupt(images: Any, noise: Noise, level: float, seed: int | keras.random.SeedGenerator) -> Any:
    """Returns corrupted images, of the shape and type of `images`; see `Corruption` for the arguments.

    The same integer seed gives the same noise; a `SeedGenerator` moves on at each call.
    """
    _check(noise, level)
    images = ops.convert_to_tensor(images)
    shape, dtype = ops.shape(images), images.dtype
    if noise == "gaussian":
        return ops.clip(images + keras.random.normal(shape, 0.0, level, dtype, seed), 0.0, 1.0)
    draw = keras.random.uniform(shape, 0.0, 1.0, dtype, seed)
    if noise == "masking":
        return ops.where(draw < level, ops.zeros_like(images), images)
    struck = ops.where(draw < level / 2, ops.ones_like(images), ops.zeros_like(images))
    return ops.where(draw < level, struck, images)


def _check(noise: str, level: float) -> None:
    if noise not in get_args(Noise):
        raise BadHyperparameter(f"Expected noise to be one of {', '.join(get_args(Noise))}. Received: {noise}.")
    if noise == "gaussian" and not 0 <= level < float("inf"):
        raise BadHyperparameter(f"Expected a gaussian noise level of at least 0. Received: {level}.")
    if noise != "gaussian" and not 0 <= level <= 1:
        raise BadHyperparameter(f"Expected a {noise} noise level from 0 to 1. Received: {level}.")
