"""Max pooling over channels instead of height and width."""

import math
from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class DepthPooling(keras.layers.Layer):
    """Computes the maximum of each group of neighbouring channels.

    Other pooling layers reduce height and width and keep the channels. This layer reduces the channels and keeps height
    and width. The layer has no weights (lecture notes 004, "Pooling layer": "downsampling by depth").

    Args:
        pool_size: number of channels in a group, at least 1.

    Call arguments:
        inputs: feature maps `(batch, height, width, channels)`, or a tensor of another rank with the channels last.
            `channels` must be a multiple of `pool_size`. The output has `channels / pool_size` channels.

    Example:

        >>> ops.convert_to_numpy(DepthPooling(2)(ops.array([[1.0, 5.0, 3.0, 2.0]]))).tolist()
        [[5.0, 3.0]]
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
        *other_sizes, channels = ops.shape(inputs)
        groups = ops.reshape(inputs, (*other_sizes, channels // self.pool_size, self.pool_size))
        return ops.max(groups, axis=-1)  # (…, channels / pool_size)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Computes the output by Keras's 1D max pooling of the flattened input. If a size is unknown, uses `call`."""
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
