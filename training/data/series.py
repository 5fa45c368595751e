"""Divides time series into windows, the examples for training a forecaster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dataset import Dataset, Examples


@dataclass(frozen=True, kw_only=True)
class Series(Dataset):
    """A dataset of windows of a time series.

    A window has a history `(time, features)` as its input and the next steps `(horizon, features)` as its target.

    Attributes:
        values: the whole series, float32 `(steps, features)`, not normalised.
        test_start: first step of the test period. Training windows end before the test period. The targets of test
            windows are all in the test period. The histories of test windows can begin before the test period.
        season: p, the seasonal period in steps (approximate).
        arima: arguments of statsmodels' `ARIMA`, a baseline; None to leave out this baseline.
        ets: arguments of statsmodels' `ExponentialSmoothing`, a baseline; None to leave it out.
        times: the times of the steps for pictures, datetime64 or float64 `(steps,)`. None for the numbers of the steps.
    """

    values: NDArray[np.float32]
    test_start: int
    season: int
    arima: Mapping[str, Any] | None
    ets: Mapping[str, Any] | None
    times: NDArray[Any] | None = None

    @property
    def horizon(self) -> int:
        """Forecast horizon: number of predicted steps."""
        return int(self.y_train.shape[1])

    @property
    def origins(self) -> range:
        """First predicted step of each test window."""
        return range(self.test_start, len(self.values) - self.horizon + 1)


def windows(values: NDArray[np.float32], history: int, horizon: int) -> Examples:
    """Returns the histories and targets of all windows of a series.

    Args:
        values: the series, `(steps, features)`.
        history: number of steps in a history.
        horizon: number of steps in a target.

    Returns:
        Histories `(n, history, features)` and targets `(n, horizon, features)`.
    """
    both = np.lib.stride_tricks.sliding_window_view(values, history + horizon, axis=0)  # (n, features, time)
    pairs = both.transpose(0, 2, 1)
    return Examples(pairs[:, :history].copy(), pairs[:, history:].copy())


def train_test_windows(values: NDArray[np.float32], test_start: int, history: int, horizon: int) -> dict[str, Any]:
    """Divides a series at the step `test_start` into training and test windows.

    Returns:
        The arguments `x_train`, `y_train`, `x_test`, `y_test` and `values` of `Series`.
    """
    train, test = (
        windows(values[:test_start], history, horizon),
        windows(values[test_start - history :], history, horizon),
    )
    return {"x_train": train.x, "y_train": train.y, "x_test": test.x, "y_test": test.y, "values": values}


def hold_out_last(series: Series, share: float) -> tuple[Examples, Examples]:
    """Splits the training windows into training and validation windows, and returns both.

    The validation windows are the last `share` of the windows. They are not chosen at random, because neighbouring
    windows share nearly all values. Between the two parts, horizon − 1 windows are left out, so that no step is a
    target in both parts.
    """
    count = round(share * len(series.x_train))
    training = len(series.x_train) - count - series.horizon + 1
    return (
        Examples(series.x_train[:training], series.y_train[:training]),
        Examples(series.x_train[-count:], series.y_train[-count:]),
    )
