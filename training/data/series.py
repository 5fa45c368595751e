"""A series of values over time, cut into windows to learn its next steps from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dataset import Dataset, Examples


@dataclass(frozen=True, kw_only=True)
class Series(Dataset):
    """Windows of a series: a history `(time, features)`, and the steps that come next, `(horizon, features)`.

    Attributes:
        values: the whole series, float32 `(steps, features)`, in its own units.
        border: the first step of the test span. No training window reaches it, neither with its history nor with its
            targets; every target of a test window is in the test span. The history of a test window may reach back.
        season: p, after how many steps the pattern repeats, about.
        arima: what statsmodels' `ARIMA` is told of its order.
        ets: what statsmodels' `ExponentialSmoothing` is told of its trend and season.
    """

    values: NDArray[np.float32]
    border: int
    season: int
    arima: Mapping[str, Any]
    ets: Mapping[str, Any]

    @property
    def horizon(self) -> int:
        """How many steps are forecast."""
        return int(self.y_train.shape[1])

    @property
    def origins(self) -> range:
        """The first step that is forecast in each test window."""
        return range(self.border, len(self.values) - self.horizon + 1)


def windows(values: NDArray[np.float32], history: int, horizon: int) -> Examples:
    """All windows of a series `(steps, features)`: `(n, history, features)` and `(n, horizon, features)`."""
    both = np.lib.stride_tricks.sliding_window_view(values, history + horizon, axis=0)  # (n, features, time)
    cut = both.transpose(0, 2, 1)
    return Examples(cut[:, :history].copy(), cut[:, history:].copy())


def cut(values: NDArray[np.float32], border: int, history: int, horizon: int) -> dict[str, Any]:
    """A series as training and test windows around the step `border`: the keywords of a `Series`."""
    train, test = windows(values[:border], history, horizon), windows(values[border - history :], history, horizon)
    return {"x_train": train.x, "y_train": train.y, "x_test": test.x, "y_test": test.y, "values": values}


def hold_out_last(series: Series, share: float) -> tuple[Examples, Examples]:
    """Windows to learn from, and the last `share` of the training windows to choose the best epoch by.

    Of two neighbours nearly all values are the same, so none are held out at random; and between the two parts
    horizon − 1 windows are left out: no target is in both.
    """
    count = round(share * len(series.x_train))
    seen = len(series.x_train) - count - series.horizon + 1
    return (
        Examples(series.x_train[:seen], series.y_train[:seen]),
        Examples(series.x_train[-count:], series.y_train[-count:]),
    )
