"""What has changed since the last season."""

from typing import Any

import keras

from ..errors import BadHyperparameter, GalleryError


@keras.saving.register_keras_serializable(package="keras_gallery")
class SeasonalDifference(keras.layers.Layer):
    """z_t = x_t − x_{t−p}: a series without its season of p steps, and with its trend as a constant.

    Of x_t = a t + s_t, where s_t = s_{t−p}, it leaves a p (notes 004, "Deep RNN": to "remove trend and seasonality").

    Args:
        season: p, at least 1.

    Call arguments:
        inputs: series `(batch, time, features)`, more than p steps. The output begins with step p + 1,
            `(batch, time − p, features)`.
        mask: which steps there are `(batch, time)`. A difference is there where both steps are.
    """

    plain_limit = "it hands no mask on"

    def __init__(self, season: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if season < 1:
            raise BadHyperparameter(f"Expected season to be at least 1. Received: {season}.")
        self.season = season

    def call(self, inputs: Any) -> Any:
        steps = inputs.shape[1]
        if steps is not None and steps <= self.season:
            raise GalleryError(f"Expected more than {self.season} steps, one season. Received: {steps}.")
        return inputs[:, self.season :] - inputs[:, : -self.season]

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """What it is in Keras's own layers, but for the mask."""
        later = keras.layers.Cropping1D((self.season, 0), name=f"{self.name}_later")(inputs)
        earlier = keras.layers.Cropping1D((0, self.season), name=f"{self.name}_earlier")(inputs)
        return keras.layers.Subtract(name=self.name)([later, earlier])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if mask is None else keras.ops.logical_and(mask[:, self.season :], mask[:, : -self.season])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, steps, features = input_shape
        return (batch, None if steps is None else steps - self.season, features)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "season": self.season}
