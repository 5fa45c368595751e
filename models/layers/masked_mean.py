"""The mean over the unmasked steps of a sequence."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class MaskedMean(keras.layers.Layer):
    """Averages a sequence over its unmasked steps.

        y = Σ_t m_t x_t / max(1, Σ_t m_t)

    If all steps of a sequence are masked, the result is 0. Keras's `GlobalAveragePooling1D` returns NaN in this case.

    Call arguments:
        inputs: `(batch, time, features)`. The output is `(batch, features)`.
        mask: `(batch, time)`, False for padding. An `Embedding` layer with `mask_zero=True` computes this mask.

    Example:

        >>> sequence = ops.array([[[1.0], [3.0], [99.0]]])
        >>> mask = ops.array([[True, True, False]])
        >>> ops.convert_to_numpy(MaskedMean()(sequence, mask=mask)).tolist()
        [[2.0]]
    """

    plain_limit = "the mean of a sequence with only padding is NaN"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.mean(inputs, axis=1)
        weights = ops.cast(mask, inputs.dtype)[..., None]  # (batch, time, 1)
        return ops.sum(inputs * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Computes the mean with Keras's own layer. The mean is NaN if all steps are masked."""
        return keras.layers.GlobalAveragePooling1D(name=self.name)(inputs, mask=mask)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Returns None: the output has no time axis."""

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, _, features = input_shape
        return (batch, features)
