"""Appends channels of zeros to feature maps."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class PadChannels(keras.layers.Layer):
    """Appends channels of zeros, so that feature maps can be added to feature maps with more channels.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition", option A.

    Args:
        channels: number of channels of the output; at least the number of channels of the input.

    Call arguments:
        inputs: feature maps `(batch, height, width, channels)`, or a tensor of another rank with the channels last.

    Example:

        >>> ops.convert_to_numpy(PadChannels(3)(ops.array([[1.0, 2.0]]))).tolist()
        [[1.0, 2.0, 0.0]]
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if (input_shape[-1] or 0) > self.channels:
            raise BadHyperparameter(f"Expected channels to be at least {input_shape[-1]}. Received: {self.channels}.")

    def call(self, inputs: Any) -> Any:
        before = [(0, 0)] * (len(inputs.shape) - 1)
        return ops.pad(inputs, [*before, (0, self.channels - inputs.shape[-1])])

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Appends the channels with Keras's own layers if the input is `(batch, height, width, channels)`.

        Keras's padding layer pads height and width. So the width and the channels are swapped before and after the
        padding. For an input of another rank, the method calls `call`.
        """
        if len(inputs.shape) != 4:
            return self.call(inputs)
        swapped = keras.layers.Permute((1, 3, 2), name=f"{self.name}_swapped")(inputs)
        more = ((0, 0), (0, self.channels - inputs.shape[-1]))
        padded = keras.layers.ZeroPadding2D(more, name=f"{self.name}_padded")(swapped)  # (…, channels, width)
        return keras.layers.Permute((1, 3, 2), name=self.name)(padded)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "channels": self.channels}
