"""Sunspots of each year from 1700 to 2008, offline: they come with statsmodels. 33 years of history, the next 11.

Shape: 207 training and 49 test windows, a year apart; histories float32 (33, 1), targets float32 (11, 1): the mean
    number of sunspots in the year, from 0 to 190.
Split: by time. Training windows lie within 1700 to 1949, with history and targets; test windows forecast 1950–1960 to
    1998–2008, and their histories may reach back before 1950.
Source: National Geophysical Data Center (public domain), as in statsmodels. ARIMA is AR(9): the order that AIC chooses
    among AR(0) to AR(15) on the training span. Exponential smoothing has a season and no trend: the least AIC of the
    forms with and without season, and with no, a plain or a damped trend.
"""

import numpy as np

from ..data.series import Series, train_test_windows

FIRST, TEST_START = 1700, 1950
HISTORY, HORIZON = 33, 11  # three times the sun's cycle, and once


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
