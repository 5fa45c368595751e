"""Monthly sea temperature off Peru and Ecuador, 1950 to 2010, by month and year. statsmodels includes the data.

Shape: 586 training and 146 test months. The inputs are two ids, int32: the month (January to December) and the year.
    The target is the temperature of the sea surface in °C, from 19.0 to 29.2.
Split: the test months are a random fifth of the 732 months, with a fixed seed.
Source: National Oceanic and Atmospheric Administration, ERSST.V3B averaged over 0–10° S, 90–80° W (Niño 1+2), public
    domain, as in statsmodels (`elnino`).
"""

import calendar

import numpy as np

from ..data.dataset import Dataset
from ..data.tokens import Tokens

TEST_SHARE = 0.2


def load() -> Dataset:
    from statsmodels.datasets import elnino

    table = elnino.load_pandas().data.to_numpy()  # (years, year and 12 months)
    years = [str(int(year)) for year in table[:, 0]]
    texts = {"month": Tokens(tuple(calendar.month_name[1:]), "whole"), "year": Tokens(tuple(years), "whole")}
    month, year = np.meshgrid(*(tokens.ids(tokens.names)[:, 0] for tokens in texts.values()))  # (years, 12)
    x = np.stack([month.ravel(), year.ravel()], axis=1)
    y = table[:, 1:].reshape(-1, 1).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = np.split(order, [len(x) - round(TEST_SHARE * len(x))])
    return Dataset(
        name="el_nino",
        x_train=x[train],
        y_train=y[train],
        x_test=x[test],
        y_test=y[test],
        source="Sea surface temperatures of the region Niño 1+2 (NOAA, public domain), as in statsmodels",
        labels=("temperature",),
        texts=texts,
    )
