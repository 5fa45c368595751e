"""Three political ratings by 944 Americans in 1996. statsmodels includes the data.

Shape: 755 training and 189 test persons. The 7 features, float32, are: log of the town's population; days per week with
    television news; party identification; age; education; income; vote. The 3 targets are the positions of the person,
    of Clinton and of Dole on the left–right scale, from 1 (extremely liberal) to 7 (extremely conservative), as the
    person sees them.
Split: the test persons are a random fifth, with a fixed seed.
Source: American National Election Study of 1996, public domain, as in statsmodels (`anes96`).
"""

import numpy as np

from ..data.dataset import Dataset

FEATURES = ("logpopul", "TVnews", "PID", "age", "educ", "income", "vote")
TARGETS = {"selfLR": "own position", "ClinLR": "position of Clinton", "DoleLR": "position of Dole"}
TEST_SHARE = 0.2


def load() -> Dataset:
    from statsmodels.datasets import anes96

    table = anes96.load_pandas().data
    order = np.random.default_rng(0).permutation(len(table))
    x, y = (table[list(names)].to_numpy(np.float32)[order] for names in (FEATURES, TARGETS))
    count = len(x) - round(TEST_SHARE * len(x))
    return Dataset(
        name="ratings",
        x_train=x[:count],
        y_train=y[:count],
        x_test=x[count:],
        y_test=y[count:],
        source="American National Election Study of 1996 (public domain), as in statsmodels",
        labels=tuple(TARGETS.values()),
    )
