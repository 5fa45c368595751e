"""Tests of the inputs with which people begin to try a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_gallery.training.data import example_inputs as module
from keras_gallery.training.data.dataset import Dataset
from keras_gallery.training.data.example_inputs import example_inputs
from keras_gallery.training.data.series import Series, train_test_windows
from keras_gallery.training.data.tokens import Tokens


def dataset(x: Any, texts: dict[str, Tokens] | None = None) -> Dataset:
    return Dataset(
        name="x", x_train=x, y_train=np.zeros(len(x)), x_test=x, y_test=np.zeros(len(x)), source="", texts=texts or {}
    )


def test_a_forecaster_begins_with_the_end_of_its_series() -> None:
    values = np.array([[step, step / 3] for step in range(20)], np.float32)
    series = Series(
        name="x", source="", test_start=15, season=1, arima=None, ets=None, **train_test_windows(values, 15, 4, 2)
    )
    assert example_inputs(series) == {"series": [[16, 5.33333], [17, 5.66667], [18, 6], [19, 6.33333]]}


def test_a_test_example_of_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert example_inputs(dataset(x)) == {"series": [[0, 1], [2, 3], [4, 5]]}
    assert example_inputs(dataset(x[:0])) == {}
    assert example_inputs(dataset(np.full_like(x, np.nan))) == {}  # JSON has no NaN
    monkeypatch.setattr(module, "MOST_VALUES", 5)
    assert example_inputs(dataset(x)) == {}


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 3, 1)], ids=str)
def test_pictures_and_features_need_no_example(shape: tuple[int, ...]) -> None:
    assert example_inputs(dataset(np.zeros(shape, np.float32))) == {}


def test_test_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Good film", "good films", "bad", "bad film", "a film", "film"]
    tokens = Tokens.of(texts, "words")
    data = dataset(tokens.ids(texts), {"text": tokens})
    assert example_inputs(data) == {"text": ["good film", "bad", "a film"]}
    monkeypatch.setattr(module, "MOST_CHARACTERS", 4)
    assert example_inputs(data)["text"][0] == "good"


def test_words() -> None:
    ids = np.zeros((1, 2), np.int32)
    words = Tokens(("the", "water", "woman", "king", "of", "theory", "man"), "words")
    assert example_inputs(dataset(ids, {"word": words})) == {"word": ["man", "king", "woman"]}
    assert example_inputs(dataset(ids, {"word": replace(words, names=words.names[:6])})) == {
        "word": ["water", "woman", "king"]
    }
    assert example_inputs(dataset(ids, {"word": Tokens(("a", "b"), "words")})) == {"word": ["a", "b"]}
