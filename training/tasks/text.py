"""The task of classifying texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import keras
import numpy as np

from ...preparation.splits import PADDING, Split
from ..data.dataset import Dataset
from ..word_tables import WordTable
from .classification import Classification

# Largest n of the n-grams in the bag-of-words baseline, for each method to split texts.
LONGEST_GRAM: dict[Split, int] = {"words": 1, "unicode_words": 1, "characters": 3, "spaces": 1, "whole": 1}


class TextClassification(Classification):
    """The task `classify_text`: predicts the class of each text."""

    targets = "one class for each text"
    word_table = WordTable("text", "embedding_dim", ("token_embedding",))

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return dataset.y_train.ndim == 1 and "text" in dataset.texts

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {"tokens": self.dataset.texts["text"].size}

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        """Returns the test accuracies of two baselines.

        `bag_of_words_accuracy`: a logistic regression on the counts of words, or on the counts of n-grams of up to
        three characters. The regression is trained on the training examples.
        `majority_accuracy`: always predicting the most frequent class of the training examples.
        """
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        report("    a bag of words")
        longest = LONGEST_GRAM[self.dataset.texts["text"].split]
        bag = CountVectorizer(analyzer=lambda row: grams(row[row != PADDING].tolist(), longest))
        linear = make_pipeline(bag, LogisticRegression(max_iter=1_000, tol=1e-3)).fit(*self.training)
        most_frequent = np.bincount(self.training.y).argmax()
        return {
            "bag_of_words_accuracy": float(linear.score(self.dataset.x_test, self.dataset.y_test)),
            "majority_accuracy": float(np.mean(self.dataset.y_test == most_frequent)),
        }


def grams(tokens: Sequence[int], longest: int) -> list[tuple[int, ...]]:
    """Returns all n-grams of 1 to `longest` tokens."""
    return list(chain.from_iterable(zip(*(tokens[k:] for k in range(n)), strict=False) for n in range(1, longest + 1)))
