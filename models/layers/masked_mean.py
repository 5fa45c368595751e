"""The mean over time of what is there."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class MaskedMean(keras.layers.Layer):
    """Averages the steps that the mask keeps.

        y = Σ_t m_t x_t / max(1, Σ_t m_t)

    Keras's `GlobalAveragePooling1D` divides by the sum of the mask, which is 0/0 where all steps are padding; here
    the mean of nothing is 0.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: True where a step counts, `(batch, time)`; an `Embedding` with `mask_zero` gives it. The output is
            `(batch, features)`.
    """

    plain_limit = "the mean of nothing is NaN"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.mean(inputs, axis=1)
        weights = ops.cast(mask, inputs.dtype)[..., None]  # (batch, time, 1)
        return ops.sum(inputs * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """What it is in Keras's own layers, but for the mean of nothing."""
        return keras.layers.GlobalAveragePooling1D(name=self.name)(inputs, mask=mask)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: time is gone."""

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, _, features = input_shape
        return (batch, features)
