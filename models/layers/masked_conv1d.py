"""A convolution over sequences of different lengths."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_gallery")
class MaskedConv1D(keras.layers.Conv1D):
    """Keras's `Conv1D` without zeros around, which hands a mask on.

    A window counts where its last step does. With padding on the right these are the windows that the sequence alone
    has, ⌊(T − f) / s⌋ + 1 of them, and none that counts has seen any padding.

    Args:
        filters: values of a window.
        kernel_size: f, steps of a window.
        strides: s, steps from one window to the next.
        activation: of the values.

    Call arguments:
        inputs: sequences `(batch, time, features)`, at least f steps. The output has
            `(batch, ⌊(time − f) / s⌋ + 1, filters)`.
        mask: which steps there are `(batch, time)`, padding on the right.
    """

    plain_limit = "it hands no mask on"

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides=strides, activation=activation, **kwargs)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """What it is in Keras's own layers, but for the mask."""
        convolution = keras.layers.Conv1D.from_config(self.get_config())
        outputs = convolution(inputs)
        convolution.set_weights(self.get_weights())
        return outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        (kernel_size,), (strides,) = self.kernel_size, self.strides
        return None if mask is None else mask[:, kernel_size - 1 :: strides]  # (batch, windows)
