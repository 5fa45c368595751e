"""The way back from what has changed since the last season."""

from typing import Any

import keras
from keras import ops

from ..errors import BadHyperparameter


@keras.saving.register_keras_serializable(package="keras_gallery")
class AddLastSeason(keras.layers.Layer):
    """x_{T+k} = z_k + x_{T+k−p}: changes since the last season, added to it. See `SeasonalDifference`.

    Args:
        season: p, at least the number of steps that are told: of what comes later, the last season is not known.

    Call arguments:
        differences: z_1 … z_H `(batch, horizon, features)`, horizon ≤ p.
        history: x_1 … x_T `(batch, time, features)`, at least p steps.
        history_mask: which steps there are `(batch, time)`, padding on the right. Each series has its own T then.
    """

    def __init__(self, season: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.season = season

    def build(self, differences_shape: tuple[int | None, ...], history_shape: tuple[int | None, ...]) -> None:
        horizon = differences_shape[1]
        if horizon is None or horizon > self.season:
            raise BadHyperparameter(f"Expected season to be at least the horizon, {horizon}. Received: {self.season}.")

    def call(self, differences: Any, history: Any, history_mask: Any = None) -> Any:
        horizon = differences.shape[1]
        if history_mask is None:
            return differences + history[:, -self.season :][:, :horizon]
        lengths = ops.sum(ops.cast(history_mask, "int32"), axis=1)  # (batch,), T of each
        steps = lengths[:, None] - self.season + ops.arange(horizon, dtype="int32")  # (batch, horizon), from 0
        return differences + ops.take_along_axis(history, steps[:, :, None], axis=1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Every step that is told is there."""

    def compute_output_shape(
        self, differences_shape: tuple[int | None, ...], history_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return differences_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "season": self.season}
