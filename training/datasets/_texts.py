"""Builds datasets of texts with classes. The vocabulary is the most frequent words of the training texts."""

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
    """Returns a dataset of texts and their classes.

    Args:
        name: name of the dataset.
        train: training texts, and their classes `(n,)`.
        test: test texts, and their classes `(n,)`.
        source: origin of the texts.
        labels: names of the classes.
        most: largest number of words in the vocabulary.
        length: number of ids of each text; longer texts are truncated, shorter texts are padded.
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
