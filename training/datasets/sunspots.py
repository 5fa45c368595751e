"""A time series: yearly number of sunspots, 1700 to 2008. statsmodels includes the data.

Shape: 207 training and 49 test windows. Each window begins a year after the previous window. Histories have 33 years,
    float32 (33, 1); targets have the next 11 years, float32 (11, 1). The values are yearly means of the number of
    sunspots, from 0 to 190.
Split: by time. Training windows, including their targets, are within 1700 to 1949. The first test window forecasts 1950
    to 1960, and the last forecasts 1998 to 2008. The histories of test windows can begin before 1950.
Source: National Geophysical Data Center (public domain), as in statsmodels.
Baselines: the ARIMA model is AR(9), the order with the lowest AIC among AR(0) to AR(15) on the training period.
    Exponential smoothing has seasonality and no trend. This form has the lowest AIC of six forms: with or without
    seasonality, combined with a linear trend, a damped trend or no trend.
"""

import numpy as np

from ..data.series import Series, train_test_windows

FIRST, TEST_START = 1700, 1950
HISTORY, HORIZON = 33, 11  # in years: HISTORY is three solar cycles, HORIZON is one solar cycle


def load() -> Series:
    from statsmodels.datasets import sunspots

    values = sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(np.float32)[:, None]
    return Series(
        name="sunspots",
        **train_test_windows(values, TEST_START - FIRST, HISTORY, HORIZON),
        source="Sunspots, National Geophysical Data Center (public domain), as in statsmodels",
        labels=("sunspots",),
        test_start=TEST_START - FIRST,
        season=11,
        arima={"order": (9, 0, 0)},
        ets={"seasonal": 11},
    )
