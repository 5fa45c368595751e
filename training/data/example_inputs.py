"""Selects inputs of a dataset, with which people begin to try the model on the page of a server."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dataset import Dataset
from .series import Series

MOST_TEXTS, MOST_CHARACTERS = 3, 200  # of each text
MOST_VALUES = 10_000  # of a series; a longer one would not be readable
WORDS = ("man", "king", "woman")  # man is to king as woman is to …
LEAST_LETTERS = 4  # of other words: shorter words are mostly function words


def example_inputs(dataset: Dataset) -> dict[str, Any]:
    """Returns examples of the inputs, as values for JSON.

    Returns:
        `series`: the last steps of a series, or the first test example, as lists (time, features) of numbers;
        `text`: test texts; `word`: three words. A key is missing if the dataset has no such inputs.
    """
    found: dict[str, Any] = {}
    x = dataset.x_test
    if isinstance(dataset, Series):
        series = dataset.values[-dataset.x_train.shape[1] :]
    else:
        series = x[0] if x.ndim == 3 and x.dtype.kind == "f" and len(x) else x[:0]
    if 0 < series.size <= MOST_VALUES and np.isfinite(series).all():
        found["series"] = [[float(f"{value:.6g}") for value in step] for step in series]
    if "text" in dataset.texts:
        spread = x[:: max(1, len(x) // MOST_TEXTS)][:MOST_TEXTS]  # neighbours can be alike
        texts = dataset.texts["text"].texts(spread)
        found["text"] = [text[:MOST_CHARACTERS] for text in texts]
    if "word" in dataset.texts:
        names = dataset.texts["word"].names
        frequent = [name for name in names if len(name) >= LEAST_LETTERS] or names
        found["word"] = list(WORDS if set(WORDS) <= set(names) else frequent[: len(WORDS)])
    return found
