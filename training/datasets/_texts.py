"""Texts with classes, as ids of the words of the training texts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from ..data.tokens import Tokens


def text_dataset(
    name: str,
    train: tuple[Sequence[str], NDArray[np.int64]],
    test: tuple[Sequence[str], NDArray[np.int64]],
    source: str,
    labels: tuple[str, ...],
    most: int,
    length: int,
) -> Dataset:
    """Texts and their classes.

    Args:
        name: of the dataset.
        train: texts, and their classes `(n,)`.
        test: likewise.
        source: where they come from.
        labels: the names of the classes.
        most: how many words are known, the most frequent ones of the training texts.
        length: words of a text, at most; what comes after them is cut.
    """
    tokens = Tokens.of(train[0], "words", most=most)
    return Dataset(
        name=name,
        x_train=tokens.ids(train[0], length),
        y_train=train[1],
        x_test=tokens.ids(test[0], length),
        y_test=test[1],
        source=source,
        labels=labels,
        texts={"text": tokens},
    )
