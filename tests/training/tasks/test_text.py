"""Tests of the task `classify_text`: its n-grams and its bag-of-words baseline."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.training.data.dataset import Dataset
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.errors import BadData
from keras_gallery.training.recipe import Recipe
from keras_gallery.training.tasks.text import TextClassification, grams

RECIPE = Recipe("classify_text", "mine", "crossentropy", 0.1, 1, 8)


def texts(split: str, words: list[str], labels: list[int]) -> Dataset:
    tokens = Tokens.of(words, split)  # type: ignore[arg-type]
    x, y = tokens.ids(words), np.array(labels)
    return Dataset("mine", x, y, x, y, "", ("a", "b"), {"text": tokens})


def test_ngrams() -> None:
    assert grams([5, 6, 7], 1) == [(5,), (6,), (7,)]
    assert grams([5, 6, 7], 3) == [(5,), (6,), (7,), (5, 6), (6, 7), (5, 6, 7)]
    assert grams([5], 3) == [(5,)]


def test_bag_of_words_ignores_the_order() -> None:
    words = ["good film", "film good", "bad film", "film bad"] * 10
    word_labels = TextClassification(RECIPE, texts("words", words, [1, 1, 0, 0] * 10), 0)
    assert word_labels.measure(None, print) == {"bag_of_words_accuracy": 1.0, "majority_accuracy": 0.5}
    order_labels = TextClassification(RECIPE, texts("words", words, [1, 0, 1, 0] * 10), 0)
    assert order_labels.measure(None, print)["bag_of_words_accuracy"] == 0.5


def test_characters_are_counted_as_ngrams() -> None:
    """Only n-grams of two or more letters distinguish these words."""
    task = TextClassification(RECIPE, texts("characters", ["abab", "aabb", "baba", "bbaa"] * 10, [0, 1, 0, 1] * 10), 0)
    assert task.measure(None, print)["bag_of_words_accuracy"] == 1
    longer = texts("characters", ["ab", "abxxxxxx"] * 20, [0, 0] * 20)
    assert longer.x_train.shape == (40, 8)


def test_hyperparameters_and_rejected_datasets() -> None:
    dataset = texts("words", ["good", "bad"] * 5, [1, 0] * 5)
    hyperparameters = TextClassification(RECIPE, dataset, 0).hyperparameters()
    assert hyperparameters["tokens"] == 4 and hyperparameters["classes"] == 2
    plain = Dataset("mine", dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test, "", ("a", "b"))
    with pytest.raises(
        BadData, match="The task classify_text needs a dataset with one class for each text. Received: mine"
    ):
        TextClassification(RECIPE, plain, 0)
