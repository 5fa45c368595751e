"""Which party 944 Americans felt closest to in 1996, in seven steps, offline: they come with statsmodels.

Shape: 755 training and 189 test persons, about, 9 features (log of the town's population, days a week with television
    news, the places of oneself, of Clinton and of Dole from left to right, age, education, income, the vote), float32;
    labels 0 to 6 (strong Democrat to strong Republican).
Split: fixed, a fifth of each class for testing.
Source: American National Election Study of 1996, public domain, as in statsmodels (`anes96`).
"""

import numpy as np

from ..data.dataset import Dataset, split

FEATURES = ("logpopul", "TVnews", "selfLR", "ClinLR", "DoleLR", "age", "educ", "income", "vote")
LABELS = (
    *("strong Democrat", "weak Democrat", "independent, leans Democrat", "independent"),
    *("independent, leans Republican", "weak Republican", "strong Republican"),
)


def load() -> Dataset:
    from statsmodels.datasets import anes96

    table = anes96.load_pandas().data
    source = "American National Election Study of 1996 (public domain), as in statsmodels"
    x, y = table[list(FEATURES)].to_numpy(np.float32), table["PID"].to_numpy(np.int64)
    return split("party", x, y, source, LABELS)
