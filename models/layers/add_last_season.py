"""Adds each predicted seasonal difference to the value one seasonal period earlier."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class AddLastSeason(keras.layers.Layer):
    """Turns predicted seasonal differences into a forecast: x_{T+k} = z_k + x_{T+k−p}.

    This layer is the inverse of `SeasonalDifference` for the steps after the end of a series.

    Args:
        season: p, the seasonal period in steps. The period must be at least the forecast horizon, because later steps
            would need values after the end of the history.

    Call arguments:
        differences: z_1 … z_H `(batch, horizon, features)`, horizon ≤ p.
        history: x_1 … x_T `(batch, time, features)`, at least p steps.
        history_mask: `(batch, time)`, False for padding. Padding must be on the right. With a mask, T is the number of
            unmasked steps of each series.

    Example:

        >>> history = ops.reshape(ops.arange(1.0, 7.0), (1, 6, 1))
        >>> differences = ops.full((1, 2, 1), 0.5)
        >>> ops.convert_to_numpy(AddLastSeason(3)(differences, history)).ravel().tolist()
        [4.5, 5.5]
    """

    def __init__(self, season: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.season = season

    def build(self, differences_shape: tuple[int | None, ...], history_shape: tuple[int | None, ...]) -> None:
        horizon = differences_shape[1]
        if horizon is None or horizon > self.season:
            raise BadHyperparameter(f"Expected season to be at least the horizon ({horizon}). Received: {self.season}.")

    def call(self, differences: Any, history: Any, history_mask: Any = None) -> Any:
        horizon = differences.shape[1]
        if history_mask is None:
            return differences + history[:, -self.season :][:, :horizon]
        lengths = ops.sum(ops.cast(history_mask, "int32"), axis=1)  # (batch,): T of each series
        steps = lengths[:, None] - self.season + ops.arange(horizon, dtype="int32")  # (batch, horizon), indices from 0
        return differences + ops.take_along_axis(history, steps[:, :, None], axis=1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Returns None: no step of a forecast is masked."""

    def compute_output_shape(
        self, differences_shape: tuple[int | None, ...], history_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return differences_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "season": self.season}
