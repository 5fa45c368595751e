"""A 1D convolution for padded sequences of different lengths."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_gallery")
class MaskedConv1D(keras.layers.Conv1D):
    """Keras's `Conv1D` layer with padding "valid" and a mask for the output.

    An output step is unmasked if the last input step in the window of this output step is unmasked. If the padding is
    on the right, a sequence of T steps has ⌊(T − f) / s⌋ + 1 unmasked output steps. The windows of these steps contain
    no padding.

    Args:
        filters: number of filters.
        kernel_size: f, the number of steps in a window.
        strides: s, the number of steps from one window to the next.
        activation: activation function.

    Call arguments:
        inputs: sequences `(batch, time, features)` of at least f steps. The shape of the output is
            `(batch, ⌊(time − f) / s⌋ + 1, filters)`.
        mask: `(batch, time)`, False for padding. Padding must be on the right.

    Example:

        >>> layer = MaskedConv1D(4, kernel_size=5, strides=2)
        >>> tuple(layer(keras.ops.zeros((1, 10, 1))).shape)
        (1, 3, 4)
    """

    plain_limit = "its output has no mask"

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, strides=strides, activation=activation, **kwargs)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Computes the output with Keras's own `Conv1D` layer. The output has no mask."""
        convolution = keras.layers.Conv1D.from_config(self.get_config())
        outputs = convolution(inputs)
        convolution.set_weights(self.get_weights())
        return outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        (kernel_size,), (strides,) = self.kernel_size, self.strides
        return None if mask is None else mask[:, kernel_size - 1 :: strides]  # (batch, windows)
