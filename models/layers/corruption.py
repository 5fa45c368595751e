"""Adds noise to images during training, for denoising autoencoders."""

from typing import Any, Literal, get_args

import keras
from keras import ops

from ..errors import BadHyperparameter

Noise = Literal["gaussian", "masking", "salt_and_pepper"]


@keras.saving.register_keras_serializable(package="keras_gallery")
class Corruption(keras.layers.Layer):
    """Adds noise to images with values in [0, 1] during training. Returns the inputs unchanged at inference.

    The input of the model is then a noisy image and the target is the clean image, so the model cannot learn the
    identity (lecture notes 003, "Denoising Autoencoder"; Vincent et al. 2008, "Extracting and Composing Robust Features
    with Denoising Autoencoders").

    Args:
        noise: `gaussian` (the result is clipped to [0, 1]), `masking` (some values are set to 0) or `salt_and_pepper`
            (some values are set to 0 or 1 with equal probability).
        level: for `gaussian` the standard deviation, at least 0; otherwise the fraction of values that are changed,
            from 0 to 1.
        seed: seed of the random numbers, for reproducible noise.

    Call arguments:
        inputs: images `(batch, height, width, channels)`, float, in [0, 1].
        training: whether to add noise.

    Example:

        >>> images = ops.ones((1, 2, 2, 1))
        >>> layer = Corruption("masking", level=1.0)
        >>> ops.convert_to_numpy(layer(images, training=True)).ravel().tolist()
        [0.0, 0.0, 0.0, 0.0]
        >>> ops.convert_to_numpy(layer(images)).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, noise: Noise = "gaussian", level: float = 0.4, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check(noise, level)
        self.noise = noise
        self.level = level
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        # No random numbers are drawn at inference: an exported graph must not write the generator's state.
        return corrupt(inputs, self.noise, self.level, self.seed_generator) if training else inputs

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the inputs, because the layer does nothing at inference."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "noise": self.noise, "level": self.level, "seed": self.seed}


def corrupt(images: Any, noise: Noise, level: float, seed: int | keras.random.SeedGenerator) -> Any:
    """Returns noisy images with the shape and dtype of `images`. See `Corruption` for `noise` and `level`.

    With an integer seed each call adds the same noise; with a `SeedGenerator` each call adds new noise.
    """
    _check(noise, level)
    images = ops.convert_to_tensor(images)
    shape, dtype = ops.shape(images), images.dtype
    if noise == "gaussian":
        return ops.clip(images + keras.random.normal(shape, 0.0, level, dtype, seed), 0.0, 1.0)
    draw = keras.random.uniform(shape, 0.0, 1.0, dtype, seed)
    if noise == "masking":
        return ops.where(draw < level, ops.zeros_like(images), images)
    salt_and_pepper = ops.where(draw < level / 2, ops.ones_like(images), ops.zeros_like(images))
    return ops.where(draw < level, salt_and_pepper, images)


def _check(noise: str, level: float) -> None:
    if noise not in get_args(Noise):
        raise BadHyperparameter(f"Expected noise to be one of {', '.join(get_args(Noise))}. Received: {noise}.")
    if noise == "gaussian" and not 0 <= level < float("inf"):
        raise BadHyperparameter(f"Expected a gaussian noise level of at least 0. Received: {level}.")
    if noise != "gaussian" and not 0 <= level <= 1:
        raise BadHyperparameter(f"Expected a {noise} noise level from 0 to 1. Received: {level}.")
