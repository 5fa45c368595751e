"""The party preference of 944 Americans in 1996, in seven classes. statsmodels includes the data.

Shape: about 755 training and 189 test persons. The 9 features, float32, are: log of the town's population; days per
    week with television news; position on the left–right scale of the person, of Clinton and of Dole; age; education;
    income; vote. Labels 0 to 6 (strong Democrat to strong Republican).
Split: the test persons are a random fifth of each class, with a fixed seed.
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
