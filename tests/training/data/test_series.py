"""Tests of the windows of time series, of their split into training and test, and of the baseline forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.training.data.dataset import load
from keras_gallery.training.data.series import Series, hold_out_last, train_test_windows, windows
from keras_gallery.training.figures.baselines import baselines
from statsmodels.datasets import co2, sunspots
from statsmodels.tsa.ar_model import ar_select_order
from statsmodels.tsa.statespace.exponential_smoothing import ExponentialSmoothing

SERIES = ("co2", "sunspots")


def counting(steps: int = 60, test_start: int = 40, history: int = 9, horizon: int = 4, season: int = 4) -> Series:
    """Returns the series 0, 1, 2, …, `steps` − 1."""
    values = np.arange(steps, dtype=np.float32)[:, None]
    return Series(
        name="counting",
        **train_test_windows(values, test_start, history, horizon),
        source="",
        test_start=test_start,
        season=season,
        arima={"order": (0, 1, 0)},
        ets={},
    )


def test_windows_are_slices() -> None:
    values = np.random.default_rng(0).random((20, 2), np.float32)
    x, y = windows(values, history=5, horizon=3)
    assert x.shape == (13, 5, 2) and y.shape == (13, 3, 2)
    for start in range(13):
        np.testing.assert_array_equal(x[start], values[start : start + 5])
        np.testing.assert_array_equal(y[start], values[start + 5 : start + 8])


def test_no_target_is_in_two_parts() -> None:
    series = counting()
    training, validation = hold_out_last(series, share=0.25)
    assert series.y_test.min() == 40 and series.y_test.max() == 59
    assert series.y_train.max() == 39 and series.x_train.min() == 0
    assert validation.y.max() == 39 and len(validation.x) == 7  # a quarter of 28
    assert training.y.max() < validation.y.min()
    assert training.y.max() == validation.y.min() - 1  # only windows that overlap the validation split are left out
    np.testing.assert_array_equal(series.y_test[:, 0, 0], series.origins)


@pytest.mark.parametrize("name", SERIES)
def test_series_are_split_at_test_start(name: str) -> None:
    series = load(name)
    assert isinstance(series, Series) and series.horizon == series.season
    history = series.x_train.shape[1]
    assert len(series.x_train) == series.test_start - history - series.horizon + 1
    for x, y, first in ((series.x_train, series.y_train, history), (series.x_test, series.y_test, series.test_start)):
        for index, origin in ((0, first), (len(x) - 1, first + len(x) - 1)):
            np.testing.assert_array_equal(x[index], series.values[origin - history : origin])
            np.testing.assert_array_equal(y[index], series.values[origin : origin + series.horizon])
    assert len(series.x_test) == len(series.origins)
    training, validation = hold_out_last(series, share=0.2)
    np.testing.assert_array_equal(validation.x[-1], series.x_train[-1])
    assert len(training.x) + len(validation.x) + series.horizon - 1 == len(series.x_train)


def test_sunspots_by_year() -> None:
    table, series = sunspots.load_pandas().data, load("sunspots")
    years = table["YEAR"].to_numpy()
    assert (years[0], years[series.test_start], years[-1], len(years)) == (1700, 1950, 2008, 309)
    np.testing.assert_array_equal(series.values[:, 0], table["SUNACTIVITY"].to_numpy(np.float32))


def test_co2_is_the_mean_of_each_month() -> None:
    weekly, series = co2.load_pandas().data["co2"], load("co2")
    months = [(1958 + month // 12, month % 12 + 1) for month in range(2, 2 + len(series.values))]
    assert months[series.test_start] == (1990, 1) and months[-1] == (2001, 12)
    missing = 0
    for (year, month), value in zip(months, series.values[:, 0], strict=True):
        mean = weekly[(weekly.index.year == year) & (weekly.index.month == month)].mean()
        missing += np.isnan(mean)
        assert np.isnan(mean) or value == pytest.approx(mean, rel=1e-6)
    assert missing == 5


def test_naive_forecasts() -> None:
    series = counting()
    forecasts = baselines(series)
    assert {forecast.shape for forecast in forecasts.values()} == {series.y_test.shape}
    np.testing.assert_array_equal(forecasts["naive"][..., 0], np.repeat(np.arange(39, 56)[:, None], 4, axis=1))
    np.testing.assert_array_equal(forecasts["seasonal_naive"], series.y_test - 4)
    longer = counting(horizon=6)
    np.testing.assert_array_equal(baselines(longer)["seasonal_naive"][0, :, 0], [36, 37, 38, 39, 36, 37])
    # The best forecast of a random walk is its last value.
    np.testing.assert_allclose(forecasts["arima"], forecasts["naive"], rtol=1e-5)


def test_arima_continues_an_autoregression() -> None:
    """φ is fitted to the training period, so the forecasts follow x_t = φ x_{t−1} with the same φ at each origin."""
    rng = np.random.default_rng(0)
    values = np.zeros((400, 1), np.float32)
    for step in range(1, len(values)):
        values[step] = 0.9 * values[step - 1] + rng.normal()
    series = Series(
        name="ar",
        **train_test_windows(values, 380, history=5, horizon=3),
        source="",
        test_start=380,
        season=2,
        arima={"order": (1, 0, 0), "trend": "n"},
        ets={},
    )
    forecasts = baselines(series)["arima"][..., 0]
    last = series.x_test[:, -1]
    ratio = forecasts[:, :1] / last
    assert ratio.std() < 1e-5 and 0.85 < ratio.mean() < 0.95  # the same φ for all origins
    np.testing.assert_allclose(forecasts, last * ratio ** np.arange(1, 4), rtol=1e-4, atol=1e-5)


def test_exponential_smoothing_by_its_recursion() -> None:
    """The forecast is ℓ_t = ℓ_{t−1} + α (x_t − ℓ_{t−1}). After 80 steps, the initial level has no effect."""
    rng = np.random.default_rng(1)
    values = (rng.normal(size=100).cumsum() + rng.normal(size=100)).astype(np.float32)[:, None]
    series = Series(
        name="walk",
        **train_test_windows(values, 80, history=5, horizon=2),
        source="",
        test_start=80,
        season=2,
        arima={"order": (0, 1, 0)},
        ets={},
    )
    forecasts = baselines(series)["ets"][..., 0]
    alpha = float(ExponentialSmoothing(values[:80, 0].astype(np.float64)).fit(disp=False).params[0])
    level = float(values[0, 0])
    levels = [level := level + alpha * (float(value) - level) for value in values[:, 0]]
    np.testing.assert_allclose(forecasts, np.repeat(np.array(levels)[79:98, None], 2, axis=1), atol=1e-3)


def test_arima_order_of_sunspots_has_the_lowest_aic() -> None:
    series = load("sunspots")
    training = series.values[: series.test_start, 0].astype(np.float64)
    assert len(ar_select_order(training, 15, ic="aic").ar_lags) == series.arima["order"][0]
