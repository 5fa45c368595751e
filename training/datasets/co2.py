"""A time series: monthly carbon dioxide in the air of Mauna Loa, 1958 to 2001. statsmodels includes the data.

Shape: 335 training and 133 test windows. Each window begins a month after the previous window. Histories have three
    years, float32 (36, 1); targets have the next year, float32 (12, 1). The values are monthly means in parts per
    million (volume), from 313 to 374.
Split: by time. Training windows, including their targets, are within March 1958 to December 1989. Test windows forecast
    1990 to 2001; their histories can begin before 1990. The series rises, so most test values are larger than all
    training values.
Source: C. Keeling, T. Whorf 2004, weekly means of the Scripps Institution (public domain), as in statsmodels. Five
    missing months, all before 1965, are interpolated.
Baselines: the ARIMA model is (0, 1, 1)(0, 1, 1)₁₂, the textbook choice for monthly series with trend and seasonality.
    Exponential smoothing has a linear trend and seasonality. This form has the lowest AIC of six forms: with or without
    seasonality, combined with a linear trend, a damped trend or no trend.
"""

import numpy as np

from ..data.series import Series, train_test_windows

TEST_START = 382  # January 1990, counted in months from March 1958
HISTORY, HORIZON = 36, 12


def load() -> Series:
    from statsmodels.datasets import co2

    monthly = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    values = monthly.to_numpy(np.float32)[:, None]
    return Series(
        name="co2",
        **train_test_windows(values, TEST_START, HISTORY, HORIZON),
        source="CO₂ at Mauna Loa (Keeling, Whorf 2004; public domain), as in statsmodels",
        labels=("CO₂ in ppm",),
        test_start=TEST_START,
        season=12,
        arima={"order": (0, 1, 1), "seasonal_order": (0, 1, 1, 12)},
        ets={"trend": True, "seasonal": 12},
    )
