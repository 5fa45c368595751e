"""Carbon dioxide in the air of Mauna Loa, 1958 to 2001, offline: it comes with statsmodels. Three years, then the next.

Shape: 335 training and 133 test windows, a month apart; histories float32 (36, 1), targets float32 (12, 1): monthly
    means in parts per million (volume), from 313 to 374.
Split: by time. Training windows lie within March 1958 to December 1989, with history and targets; test windows forecast
    1990 to 2001, and their histories may reach back before 1990. The level rises: most test values are above all
    training values.
Source: C. Keeling, T. Whorf 2004, weekly means of the Scripps Institution (public domain), as in statsmodels; five
    months without a value are interpolated, all before 1965. ARIMA is (0, 1, 1)(0, 1, 1)₁₂, the textbook's for monthly
    series with trend and season. Exponential smoothing has a season and a trend: the least AIC of the
    forms with and without season, and with no, a plain or a damped trend.
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
