"""13,000 images of two groups of digits, with a sentence such as "a seven above two threes".

Shape: 12,000 training and 1,000 test images, (64, 64, 1), float32 in [0, 1]. The target is the sentence as ids (7,),
    int32, a word each, from `[START]` to `[END]` (see `training/data/tokens.py`). There are 23 different words and 720
    different sentences: the number of digits in each group (one or two), their digits, which differ, and whether the
    first group is above the second or beside it (left of it).
Split: training images contain training digits of mnist_5k, and test images contain test digits of mnist_5k.
Source: drawn with a fixed seed from the digits of `mnist_5k.py`.
"""

from ..data.dataset import Dataset
from ..data.tokens import Tokens
from ._canvases import SOURCE
from ._scenes import scenes


def load() -> Dataset:
    train, test = scenes()
    written = Tokens.of([*train.sentences, *test.sentences], "spaces", marks=True)
    return Dataset(
        name="digit_scenes",
        x_train=train.images,
        y_train=written.ids(train.sentences),
        x_test=test.images,
        y_test=written.ids(test.sentences),
        source=SOURCE,
        texts={"output": written},
        parts={"number": (0, 3), "digit": (1, 4), "place": (2,)},
    )
