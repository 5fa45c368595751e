"""Baseline forecasts: naive, seasonal naive, and statsmodels' ARIMA and exponential smoothing.

The naive forecast repeats the last value, and the seasonal naive forecast repeats the last seasonal period. The
parameters of ARIMA and exponential smoothing are fitted to the training period. For each forecast in the test period,
only the states of these two models are updated, with all values before the first predicted step (the origin).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.series import Series

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]


def baselines(series: Series) -> dict[str, Floats]:
    """Returns forecasts `(origins, horizon, features)` of `naive`, `seasonal_naive`, `arima` and `ets`, by name.

    `arima` and `ets` are left out if the series has no settings for them. This takes a few seconds.
    """
    steps = np.arange(series.horizon)
    last = np.array(series.origins)[:, None] - 1  # (origins, 1)
    same_season = last + 1 - series.season + steps % series.season  # (origins, horizon)
    forecasts = {
        "naive": series.values[np.broadcast_to(last, same_season.shape)],
        "seasonal_naive": series.values[same_season],
    }
    for name, function, settings in (("arima", _arima, series.arima), ("ets", _ets, series.ets)):
        if settings is not None:
            try:
                forecasts[name] = _by_feature(series, function)
            except (ValueError, np.linalg.LinAlgError) as error:  # statsmodels cannot fit this series
                log.warning("No forecast by %s: %s", name, error)
    return forecasts


def _by_feature(series: Series, forecasts: Callable[..., Sequence[Any]]) -> Floats:
    import statsmodels.tools.sm_exceptions  # noqa: F401  (the first import sets filters for warnings)

    columns = series.values.astype(np.float64).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns about replaced starting values and small steps
        by_feature = [forecasts(column, series) for column in columns]
    return np.stack(by_feature, axis=-1).astype(np.float32)


def _arima(column: NDArray[np.float64], series: Series) -> list[Any]:
    from statsmodels.tsa.arima.model import ARIMA

    state = ARIMA(column[: series.test_start], **(series.arima or {})).fit()
    forecasts = []
    for origin in series.origins:
        forecasts.append(state.forecast(series.horizon))
        state = state.extend(column[origin : origin + 1])
    return forecasts


def _ets(column: NDArray[np.float64], series: Series) -> list[Any]:
    from statsmodels.tsa.statespace.exponential_smoothing import ExponentialSmoothing

    fitted = ExponentialSmoothing(column[: series.test_start], **(series.ets or {})).fit(disp=False)
    # `extend` would start from the state at the beginning of the series, not from the state at its end.
    return [fitted.apply(column[:origin]).forecast(series.horizon) for origin in series.origins]
