"""Yearly number of sunspots, 1700 to 2008: a time series. Offline, included in statsmodels.

Shape: 207 training and 49 test windows, each a year later than the one before. Histories of 33 years, float32 (33, 1);
    targets of the next 11 years, float32 (11, 1). The values are yearly means of the number of sunspots, from 0 to 190.
Split: by time. Training windows are within 1700 to 1949, including their targets. Test windows forecast 1950–1960 to
    1998–2008; their histories may begin before 1950.
Source: National Geophysical Data Center (public domain), as in statsmodels.
Baselines: ARIMA is AR(9), the order with the lowest AIC among AR(0) to AR(15) on the training period. Exponential
    smoothing with season and no trend: the lowest AIC of all forms with and without season, and with no, a linear or a
    damped trend.
"""

import numpy as np

from ..data.series import Series, train_test_windows

FIRST, TEST_START = 1700, 1950
HISTORY, HORIZON = 33, 11  # three solar cycles, and one


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
