"""Tests of the task `tag`: batches, metrics, yardsticks and own data."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras_gallery.training.data.dataset import Dataset
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.errors import BadData
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.sources.prepared import Known, read_prepared
from keras_gallery.training.sources.read import read
from keras_gallery.training.sources.source import Source
from keras_gallery.training.tasks import tagging
from keras_gallery.training.tasks.tagging import Tagging, accuracies, windows

RECIPE = load_recipe("sequence_tagger")
WORDS = ("ab", "ba", "bab", "b", "aabb", "abababa")
TAGS = {"a": 1, "b": 0}


def dataset(words: tuple[str, ...] = WORDS) -> Dataset:
    """Returns words, with tag 1 for each a and tag 0 for each b, except that the first letter has tag 2."""
    tokens = Tokens(("a", "b", "c"), "characters")
    x = tokens.ids(words * 5, 8)
    y = np.full(x.shape, -1, np.int64)
    for row, word in zip(y, words * 5, strict=True):
        row[: len(word)] = [2, *(TAGS[letter] for letter in word[1:])]
    return Dataset("letters", x, y, x[:6], y[:6], "here", ("x", "y", "z"), {"text": tokens})


class Fixed:
    """A model that predicts the tags of letters, but not the tag of the first letter."""

    name = "fixed"

    def predict(self, x: Any, **_: Any) -> np.ndarray:
        p = np.full((*x.shape, 3), 0.25, np.float32)
        p[..., 1][x == 2] = p[..., 0][x == 3] = 0.5
        return p


def test_batches_contain_each_text_with_its_tags() -> None:
    task = Tagging(RECIPE, dataset(), 0)
    batches = task.batches(None, 4, 0)["x"]
    for epoch in range(2):
        batches.begin_epoch(epoch)
        rows = []
        for index in range(len(batches)):
            x, y = batches[index]
            assert x.shape == y.shape and len(x) <= 4
            np.testing.assert_array_equal(y >= 0, x > 0)
            assert index == 0 or x.shape[1] == -(-int((x > 0).sum(1).max()) // 4) * 4
            rows += [tuple(zip(*pair, strict=True)) for pair in zip(x.tolist(), y.tolist(), strict=True)]
        found = sorted(tuple(each for each in row if each[0]) for row in rows)
        expected = zip(task.training.x.tolist(), task.training.y.tolist(), strict=True)
        assert found == sorted(tuple(each for each in zip(*pair, strict=True) if each[0]) for pair in expected)


def test_metrics_leave_out_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagging, "outputs_of", lambda model, x: model.predict(x))
    task = Tagging(RECIPE, dataset(), 0)
    found = task.evaluate(Fixed())  # type: ignore[arg-type]
    letters = sum(map(len, WORDS))
    assert found["tag_accuracy"] == pytest.approx((letters - len(WORDS)) / letters)
    assert found["text_accuracy"] == 0
    wrong = len(WORDS)
    assert found["cross_entropy"] == pytest.approx((-(letters - wrong) * np.log(0.5) - wrong * np.log(0.25)) / letters)
    # The most frequent tag of a is 1 and of b is 0, and c is unknown.
    frequent = task.yardsticks["frequent_tags"]
    assert (
        frequent[2:4].tolist() == [1, 0] and frequent[4] == np.bincount(task.training.y[task.training.y >= 0]).argmax()
    )
    assert found["frequent_tag_accuracy"] == found["tag_accuracy"]


def test_accuracies() -> None:
    tags = np.array([[1, 2, -1], [0, -1, -1]])
    assert accuracies(tags, np.array([[1, 2, 5], [0, 3, 3]])) == {"tag_accuracy": 1, "text_accuracy": 1}
    assert accuracies(tags, np.array([[1, 0, 5], [0, 3, 3]]), "x_") == {"x_tag_accuracy": 2 / 3, "x_text_accuracy": 0.5}


def test_windows_have_three_tokens_on_each_side() -> None:
    found = windows(np.array([[2, 3, 4, 5, 0]], np.int32))
    assert found[0, 0].tolist() == [0, 0, 0, 2, 3, 4, 5] and found[0, 3].tolist() == [2, 3, 4, 5, 0, 0, 0]


def test_the_linear_baseline_learns_from_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tag of the first letter follows from the padding before it, so that the baseline finds all tags."""
    found = Tagging(RECIPE, dataset(), 0).measure(None, lambda line: None)  # type: ignore[arg-type]
    assert found == {"window_tag_accuracy": 1, "window_text_accuracy": 1}


def test_the_loss_leaves_out_the_padding() -> None:
    loss = Tagging(RECIPE, dataset(), 0).loss()["loss"]
    p = np.array([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]], np.float32)
    assert float(loss(np.array([[0, -1]]), p)) == pytest.approx(-np.log(0.5), rel=1e-5)
    assert isinstance(loss, keras.losses.Loss)


def test_other_datasets_are_rejected() -> None:
    data = dataset()
    classes = Dataset(
        "classes", data.x_train, data.y_train[:, 0], data.x_test, data.y_test[:, 0], "", ("a",), data.texts
    )
    with pytest.raises(BadData, match="The task tag needs a dataset with a tag for each token. Received: classes"):
        Tagging(RECIPE, classes, 0)


# === Own data ===


def table(texts: list[str], tags: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"text": texts * 10, "label": tags * 10})


def own(data: pd.DataFrame, **options: Any) -> Dataset:
    return read(Source(data, **options), "sequence_tagger", RECIPE, 0)


SENTENCES = (["The dog sees it", "A cat"], ["DET N V P", "DET N"])


def test_tags_of_words() -> None:
    data = own(table(*SENTENCES), test=table(*SENTENCES))
    assert data.labels == ("DET", "N", "P", "V") and data.texts["text"].split == "spaces"
    assert Tagging.accepts(data)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        found = {
            (text, " ".join(data.labels[tag] for tag in row if tag >= 0))
            for text, row in zip(data.texts["text"].texts(x), y, strict=True)
        }
        assert found == set(zip(*SENTENCES, strict=True))


def test_tags_of_letters() -> None:
    for tags in (["CVC", "VC"], ["C V C", "V C"]):
        data = own(table(["dog", "at"], tags))
        assert data.labels == ("C", "V") and data.texts["text"].split == "characters"


def test_a_text_is_in_one_part_only() -> None:
    texts = [f"{a}{b}" for a in "abcdef" for b in "abcdef"]
    data = own(table(texts, ["xy"] * len(texts)))
    tokens = data.texts["text"]
    assert not set(tokens.texts(data.x_train)) & set(tokens.texts(data.x_test))


@pytest.mark.parametrize(
    ("texts", "tags", "message"),
    [
        (
            ["a dog", "a cat"],
            ["D N", "D"],
            r"^Each of the words of a text needs a tag. Received: 2 words and 1 tags in .*2",
        ),
        (
            ["dog", "at"],
            ["CVC", "VCC"],
            r"^Each of the characters of a text needs a tag. Received: 2 characters and 3 tags",
        ),
        (["a b", "b a"], ["x x", "x x"], "^All values in the tags of .* are x. sequence_tagger needs at least two"),
    ],
)
def test_wrong_tags(texts: list[str], tags: list[str], message: str) -> None:
    with pytest.raises(BadData, match=message) as caught:
        own(table(texts, tags))
    assert "\n" not in str(caught.value)


def test_an_unknown_tag_of_other_data() -> None:
    data = own(table(*SENTENCES))
    known = Known(
        *("sequence_tagger", RECIPE, data.preparation, data.labels, data.texts),
        *(data.x_train.shape[1:], data.y_train.shape[1:], 0, {}),
    )
    again = read_prepared(Source(table(*SENTENCES)), known)
    assert again.x_test.shape == (20, 4) and (again.y_test >= 0).sum() == 60
    with pytest.raises(BadData, match="^The training data have no tag ADJ, which is in"):
        read_prepared(Source(table(["A cat"], ["ADJ N"])), known)
