"""Noise on the input while training: what makes an autoencoder a denoising one."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import keras
from keras import ops

Noise: TypeAlias = Literal["gaussian", "masking", "salt_and_pepper"]


def corrupt(x: Any, noise: Noise, level: float, seed: int | keras.random.SeedGenerator) -> Any:
    """A noisy copy x̃ of `x`, of the same shape and dtype, in [0, 1].

    Args:
        x: pixels in [0, 1], any float dtype, any shape.
        noise: "gaussian": x + ε with ε ~ N(0, level²), clipped to [0, 1]; "masking": a share `level` of the
            pixels becomes 0; "salt_and_pepper": half of such a share becomes 0, the other half 1.
        level: the standard deviation, or the share of the pixels.
        seed: a whole number for the same noise at each call, or a generator for fresh noise.

    Source:
        notes 003, "Denoising Autoencoder" (Gaussian); notes 004, "Denoising Autoencoders" (dropped inputs)
    """
    x = ops.convert_to_tensor(x)
    if noise == "gaussian":
        epsilon = keras.random.normal(ops.shape(x), dtype=x.dtype, seed=seed)
        return ops.clip(x + level * epsilon, 0.0, 1.0)
    u = keras.random.uniform(ops.shape(x), dtype=x.dtype, seed=seed)  # in [0, 1)
    if noise == "masking":
        return ops.where(u < level, ops.zeros_like(x), x)
    return ops.where(u < level / 2, ops.zeros_like(x), ops.where(u < level, ops.ones_like(x), x))


@keras.saving.register_keras_serializable(package="keras_gallery")
class Corruption(keras.layers.Layer):
    """Applies `corrupt` while training, and nothing at inference.

    The noise is fresh at each step. Outside training no random state is touched, so that an exported graph
    holds none.

    Args:
        noise: "gaussian", "masking" or "salt_and_pepper".
        level: the standard deviation, or the share of the pixels, in [0, 1].
        seed: where the noise starts; None draws it from `keras.utils.set_random_seed`'s state.

    Call arguments:
        inputs: pixels in [0, 1], any shape `(batch, ...)`; the output has the same.
        training: whether to corrupt.

    Raises:
        ValueError: an unknown noise, or a level outside [0, 1].
    """

    def __init__(
        self, noise: Noise = "gaussian", level: float = 0.4, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if noise not in get_args(Noise):
            raise ValueError(f"Expected noise to be one of {', '.join(get_args(Noise))}. Received: {noise!r}")
        if not 0 <= level <= 1:
            raise ValueError(f"Expected level to be from 0 to 1. Received: {level!r}")
        self.noise = noise
        self.level = level
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        return corrupt(inputs, self.noise, self.level, self.seed_generator) if training else inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "noise": self.noise, "level": self.level, "seed": self.seed}
