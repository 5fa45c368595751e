"""The differences between the values of a series and the values one seasonal period earlier."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter, GalleryError


@keras.saving.register_keras_serializable(package="keras_gallery")
class SeasonalDifference(keras.layers.Layer):
    """Computes z_t = x_t − x_{t−p}, which removes a linear trend and a seasonality of p steps from a series.

    A linear trend becomes a constant: if x_t = a t + s_t with s_t = s_{t−p}, then z_t = a p (lecture notes 004, "Deep
    RNN": "remove trend and seasonality").

    Args:
        season: p, the seasonal period in steps, at least 1.

    Call arguments:
        inputs: series `(batch, time, features)` of more than p steps. The output `(batch, time − p, features)` starts
            with the difference at step p + 1.
        mask: `(batch, time)`, False for padding. A difference is unmasked if both of its steps are unmasked.

    Example:

        >>> series = ops.reshape(ops.array([1.0, 5.0, 2.0, 6.0]), (1, 4, 1))
        >>> ops.convert_to_numpy(SeasonalDifference(2)(series)).ravel().tolist()
        [1.0, 1.0]
    """

    plain_limit = "its output has no mask"

    def __init__(self, season: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if season < 1:
            raise BadHyperparameter(f"Expected season to be at least 1. Received: {season}.")
        self.season = season

    def call(self, inputs: Any) -> Any:
        steps = inputs.shape[1]
        if steps is not None and steps <= self.season:
            raise GalleryError(f"Expected more than {self.season} steps (the seasonal period). Received: {steps}.")
        return inputs[:, self.season :] - inputs[:, : -self.season]

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """Computes the differences with Keras's own layers. The output has no mask."""
        later = keras.layers.Cropping1D((self.season, 0), name=f"{self.name}_later")(inputs)
        earlier = keras.layers.Cropping1D((0, self.season), name=f"{self.name}_earlier")(inputs)
        return keras.layers.Subtract(name=self.name)([later, earlier])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if mask is None else ops.logical_and(mask[:, self.season :], mask[:, : -self.season])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, steps, features = input_shape
        return (batch, None if steps is None else steps - self.season, features)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "season": self.season}
