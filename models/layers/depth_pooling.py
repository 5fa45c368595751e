"""Pooling over channels, in place of height and width."""

import math
from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class DepthPooling(keras.layers.Layer):
    """The largest value of each group of neighbouring channels, at each place.

    Pooling layers shrink height and width and leave the channels; this one does the opposite, without weights
    (notes 004, "Pooling layer": "downsampling by depth").

    Args:
        pool_size: channels in a group, at least 1.

    Call arguments:
        inputs: maps `(batch, height, width, channels)`, or any rank; `channels` a multiple of `pool_size`. The
            output has `channels / pool_size`.
    """

    def __init__(self, pool_size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if pool_size < 1:
            raise BadHyperparameter(f"Expected pool_size to be at least 1. Received: {pool_size}.")
        self.pool_size = pool_size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        if channels is None or channels % self.pool_size:
            raise BadHyperparameter(f"Expected pool_size to divide {channels} channels. Received: {self.pool_size}.")

    def call(self, inputs: Any) -> Any:
        *places, channels = ops.shape(inputs)
        groups = ops.reshape(inputs, (*places, channels // self.pool_size, self.pool_size))
        return ops.max(groups, axis=-1)  # (…, channels / pool_size)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """What it is in Keras's own layers, where sizes are known: a pooling along all values in a row."""
        shape = inputs.shape[1:]
        if None in shape:
            return self.call(inputs)
        row = keras.layers.Reshape((math.prod(shape), 1), name=f"{self.name}_row")(inputs)
        pooled = keras.layers.MaxPooling1D(self.pool_size, name=f"{self.name}_pool")(row)
        return keras.layers.Reshape((*shape[:-1], shape[-1] // self.pool_size), name=self.name)(pooled)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], (input_shape[-1] or 0) // self.pool_size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool_size": self.pool_size}
