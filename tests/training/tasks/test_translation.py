"""The tasks of writing texts: batches, decoding and error rates."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.training.data.dataset import Dataset, Examples, load
from keras_gallery.training.data.tokens import END, MARKS, START, Tokens
from keras_gallery.training.datasets import addition
from keras_gallery.training.errors import BadData
from keras_gallery.training.figures import metrics
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.tasks import TASKS
from keras_gallery.training.tasks.translation import TextBatches, Translation, write

WORDS = ("ab", "ba", "bb", "b", "aabb", "abababa")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Returns a dataset of words and the same words in reverse."""
    read, written = Tokens(("a", "b"), "characters"), Tokens((*MARKS, "a", "b"), "characters")
    x, y = read.ids(WORDS * 5), written.ids([word[::-1] for word in WORDS * 5])
    return Dataset("backwards", x, y, x[:6], y[:6], "here", texts={"text": read, "output": written})


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return create("encoder_decoder", tokens=4, output_tokens=6, embedding_dim=4, units=6)


def test_batches_contain_every_text_once(dataset: Dataset) -> None:
    batches = TextBatches(Examples(dataset.x_train, dataset.y_train), 4, 0, "text")
    assert len(batches) == 8
    for _ in range(2):
        rows = []
        for index in range(len(batches)):
            inputs, target = batches[index]
            x, previous = inputs["text"], inputs["previous"]
            assert len(x) <= 4 and previous.shape == target.shape
            np.testing.assert_array_equal(previous[:, 1:][target[:, 1:] > 0], target[:, :-1][target[:, 1:] > 0])
            assert (previous[:, 0] == START).all()
            if index:  # the first batch has the largest width, for Keras
                assert x.shape[1] == min(7, -(-int((x > 0).sum(1).max()) // 4) * 4)
            rows += dataset.texts["text"].texts(x)
            assert dataset.texts["output"].texts(target) == [word[::-1] for word in rows[-len(x) :]]
        assert sorted(rows) == sorted(WORDS * 5)
        batches.on_epoch_end()


def test_greedy_decoding(model: keras.Model) -> None:
    x = np.array([[2, 3, 3], [3, 0, 0]], np.int32)
    told = write(model, x, 5)
    assert told.shape == (2, 5)
    for row, source in zip(told, x, strict=True):
        before = [START]
        for token in row:
            p = keras.ops.convert_to_numpy(model({"text": source[None], "previous": np.array([before], np.int32)}))
            likeliest = int(p[0, -1].argmax())
            assert token == (0 if likeliest == END else likeliest)
            if likeliest in (END, 0):
                break
            before.append(likeliest)


def test_figures_count_edits(dataset: Dataset, model: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """One text is correct, one has one of two tokens wrong, the others are empty."""
    output = dataset.texts["output"]
    told = output.ids(["ba", "aa", "", "", "", ""], 9)[:, 1:]
    told[told == END] = 0
    monkeypatch.setattr("keras_gallery.training.tasks.translation.write", lambda *_: told)
    task = Translation(load_recipe("encoder_decoder"), dataset, 0)
    letters = sum(map(len, WORDS))
    assert task.evaluate(model) == {"token_error": (letters - 2 - 2 + 1) / letters, "text_error": 5 / 6}

    also = replace(
        dataset, x_test=np.r_[dataset.x_test, dataset.x_test[1:2]], y_test=np.r_[dataset.y_test, output.ids(["aa"], 9)]
    )
    figures = Translation(load_recipe("encoder_decoder"), also, 0).evaluate(model)
    assert figures == {"token_error": (letters - 4) / letters, "text_error": 4 / 6}


@pytest.mark.parametrize(
    ("wanted", "told", "least"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("ab", "ba", 2), ("abcd", "bcd", 1)],
)
def test_edits(wanted: str, told: str, least: int) -> None:
    assert metrics.edits([ord(c) for c in wanted], [ord(c) for c in told]) == least


def test_captions(dataset: Dataset) -> None:
    images = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
    captions = replace(
        dataset, x_train=images, x_test=images, y_train=dataset.y_test, texts={"output": dataset.texts["output"]}
    )
    task = TASKS["caption"](load_recipe("encoder_decoder"), captions, 0)
    assert task.hyperparameters()["image_shape"] == (8, 8, 1) and task.hyperparameters()["output_tokens"] == 6
    x, y = task.validation(create("dense_autoencoder", image_shape=(8, 8, 1)))
    assert x.keys() == {"image", "previous"} and y.shape == x["previous"].shape


def test_other_datasets_are_rejected() -> None:
    with pytest.raises(BadData, match="The task translate needs a dataset with texts to write. Received: digits"):
        Translation(load_recipe("encoder_decoder"), load("digits"), 0)


def test_addition_dataset() -> None:
    data = addition.load()
    read, written = data.texts["text"], data.texts["output"]
    sums = read.texts(data.x_train), read.texts(data.x_test)
    pairs = [{tuple(sorted(map(int, text.split("+")))) for text in part} for part in sums]
    assert len(pairs[0]) == 45_000 and len(pairs[1]) == 5_000 and not pairs[0] & pairs[1]
    for text, told in zip(sums[1], written.texts(data.y_test), strict=True):
        assert sum(map(int, text.split("+"))) == int(told)


def test_pronunciations_dataset() -> None:
    data = load("pronunciations")
    words, said = data.texts["text"].texts(data.x_train), data.texts["output"].texts(data.y_train)
    known = dict(zip(words, said, strict=True)) | dict(
        zip(data.texts["text"].texts(data.x_test), data.texts["output"].texts(data.y_test), strict=True)
    )
    assert known["gallery"] == "G AE L ER IY" and known["network"] == "N EH T W ER K"
    assert not {*words} & {*data.texts["text"].texts(data.x_test)}
    assert len(data.texts["output"].names) == 2 + 39
    assert not (data.x_train == 1).any() and not (data.y_test == 1).any()
