"""Tests of the tasks `translate` and `caption`: batches, greedy decoding, error rates and datasets."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.preparation.splits import END, PADDING, START
from keras_gallery.training.data.dataset import Dataset, Examples, load
from keras_gallery.training.data.tokens import MARKS, Tokens
from keras_gallery.training.datasets import addition
from keras_gallery.training.errors import BadData
from keras_gallery.training.figures import metrics
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.tasks import TASKS, translation
from keras_gallery.training.tasks.translation import TextBatches, Translation, write

from ...models.layer_checks import randomise
from ...models.recurrent import text_generation
from ...preparation.random_decoder import plain_beam_search, shown

WORDS = ("ab", "ba", "bb", "b", "aabb", "abababa")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Returns a dataset whose inputs are words and whose targets are the words in reverse."""
    text, output = Tokens(("a", "b"), "characters"), Tokens((*MARKS, "a", "b"), "characters")
    x, y = text.ids(WORDS * 5), output.ids([word[::-1] for word in WORDS * 5])
    return Dataset("backwards", x, y, x[:6], y[:6], "here", texts={"text": text, "output": output})


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return create("encoder_decoder", tokens=4, output_tokens=6, embedding_dim=4, units=6)


def test_batches_contain_every_text_once(dataset: Dataset) -> None:
    batches = TextBatches(Examples(dataset.x_train, dataset.y_train), 4, 0, "text")
    assert len(batches) == 8
    for epoch in range(2):
        batches.begin_epoch(epoch)
        rows = []
        for index in range(len(batches)):
            inputs, target = batches[index]
            x, previous = inputs["text"], inputs["previous"]
            assert len(x) <= 4 and previous.shape == target.shape
            np.testing.assert_array_equal(previous[:, 1:][target[:, 1:] > 0], target[:, :-1][target[:, 1:] > 0])
            assert (previous[:, 0] == START).all()
            if index:  # the first batch has the largest width, so that Keras expects batches of different widths
                assert x.shape[1] == min(7, -(-int((x > 0).sum(1).max()) // 4) * 4)
            rows += dataset.texts["text"].texts(x)
            assert dataset.texts["output"].texts(target) == [word[::-1] for word in rows[-len(x) :]]
        assert sorted(rows) == sorted(WORDS * 5)


def test_errors_of_the_parts_of_a_text(dataset: Dataset, model: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    written = np.where(np.isin(dataset.y_test, (START, END)), PADDING, dataset.y_test)
    written[0, 1] = 9  # the first token
    written[1:3, 2] = 9
    monkeypatch.setattr(translation, "write", lambda *_: written)
    parts = {"head": (0,), "rest": (1, 2), "no": (30,)}
    task = Translation(load_recipe("encoder_decoder"), replace(dataset, parts=parts), 0)
    figures = task.evaluate(model)
    assert (figures["head_error"], figures["rest_error"], figures["no_error"]) == (1 / 6, 2 / 6, 0)
    assert figures["text_error"] == 3 / 6


def test_greedy_decoding(model: keras.Model) -> None:
    x = np.array([[2, 3, 3], [3, 0, 0]], np.int32)
    outputs = write(model, x, 5)
    assert outputs.shape == (2, 5)
    for row, source in zip(outputs, x, strict=True):
        previous = [START]
        for token in row:
            p = keras.ops.convert_to_numpy(model({"text": source[None], "previous": np.array([previous], np.int32)}))
            likeliest = int(p[0, -1].argmax())
            assert token == (0 if likeliest == END else likeliest)
            if likeliest in (END, 0):
                break
            previous.append(likeliest)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_greedy_decoding_equals_a_loop_in_numpy(cell: str) -> None:
    model = create("encoder_decoder", tokens=4, output_tokens=6, embedding_dim=4, units=6, cell=cell)
    randomise(model)
    x = np.array([[2, 3, 3, 0], [3, 0, 0, 0], [2, 2, 3, 2]], np.int32)
    outputs = model.get_layer("encoder").predict_on_batch(x)
    states = [np.asarray(each, np.float64) for each in (outputs if isinstance(outputs, list) else [outputs])]
    for row, ids in enumerate(write(model, x, 7)):
        want = text_generation.greedy(model, cell, [each[row : row + 1] for each in states], 7)
        assert ids.tolist() == want + [0] * (7 - len(want))


class WholeModel:
    """Computes the score of a text with a single call of an encoder-decoder model."""

    tokens = 6

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def score(self, source: np.ndarray, text: tuple[int, ...], length: int) -> float:
        previous = np.zeros((1, length), np.int32)
        previous[0, : len(text)] = [START, *text[:-1]]
        p = keras.ops.convert_to_numpy(self._model({"text": source[None], "previous": previous}))[0]
        return float(np.log(p[np.arange(len(text)), text]).sum())


@pytest.mark.parametrize("beam", [1, 3])
def test_beam_search(model: keras.Model, beam: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best text is the one that a plain search finds with one call of the whole model for each text."""
    x = np.array([[2, 3, 3], [3, 0, 0], [2, 2, 2]], np.int32)
    monkeypatch.setattr("keras_gallery.training.tasks.translation.CHUNK", 2 * beam)  # two inputs in a chunk
    found = write(model, x, 4, beam)
    for row, source in enumerate(x):
        (_, want), *_ = plain_beam_search(WholeModel(model), source, 4, beam)
        assert found[row].tolist() == shown(want, 4)


def test_loss_is_the_mean_over_the_true_tokens_and_their_end(dataset: Dataset, model: keras.Model) -> None:
    """L = −1/N Σ log p(y_t | y_1 … y_{t−1}, x). Padding of inputs and of texts does not count."""
    task = Translation(load_recipe("encoder_decoder"), dataset, 0)
    inputs, targets = task.validation(model)
    terms = []
    for x, y in zip(*task.held_out, strict=True):
        text, ids = x[x > 0], y[y > 0]
        assert ids[0] == START and ids[-1] == END
        p = keras.ops.convert_to_numpy(model({"text": text[None], "previous": ids[None, :-1]}))[0]
        terms += (-np.log(p[np.arange(len(ids) - 1), ids[1:]])).tolist()
    found = task.loss()["loss"](targets, model(inputs))
    assert float(keras.ops.convert_to_numpy(found)) == pytest.approx(np.mean(terms), rel=1e-5)


def test_figures_count_edits(dataset: Dataset, model: keras.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """One output is correct, one has a wrong token, and all other outputs are empty."""
    output = dataset.texts["output"]
    ids = output.ids(["ba", "aa", "", "", "", ""], 9)[:, 1:]
    ids[ids == END] = 0
    monkeypatch.setattr("keras_gallery.training.tasks.translation.write", lambda *_: ids)
    task = Translation(load_recipe("encoder_decoder"), dataset, 0)
    letters = sum(map(len, WORDS))
    figures = task.evaluate(model)
    assert (figures["token_error"], figures["text_error"]) == ((letters - 2 - 2 + 1) / letters, 5 / 6)
    assert task.evaluate_beam(model, 3) == {
        "beam_token_error": figures["token_error"],
        "beam_text_error": figures["text_error"],
    }
    frequent = output.texts(task.yardsticks["text"][None])[0]
    distances = [metrics.edits([*map(ord, word)], [*map(ord, frequent)]) for word in output.texts(dataset.y_test)]
    assert figures["frequent_token_error"] == sum(distances) / letters
    assert figures["frequent_text_error"] == np.mean(np.array(distances) > 0)

    # The text "ba" now has a second correct output, "aa".
    two_targets = replace(
        dataset, x_test=np.r_[dataset.x_test, dataset.x_test[1:2]], y_test=np.r_[dataset.y_test, output.ids(["aa"], 9)]
    )
    figures = Translation(load_recipe("encoder_decoder"), two_targets, 0).evaluate(model)
    assert (figures["token_error"], figures["text_error"]) == ((letters - 4) / letters, 4 / 6)


@pytest.mark.parametrize(
    ("expected", "output", "distance"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("ab", "ba", 2), ("abcd", "bcd", 1)],
)
def test_edit_distance(expected: str, output: str, distance: int) -> None:
    assert metrics.edits([ord(c) for c in expected], [ord(c) for c in output]) == distance


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


HUNGARIAN = "január február március április május június július augusztus szeptember október november december".split()
DAYS = "hétfő kedd szerda csütörtök péntek szombat vasárnap".split()


def test_dates_dataset() -> None:
    """Both texts say the same date, and the day of the week is that of the calendar."""
    data = load("dates")
    assert (len(data.x_train), len(data.x_test)) == (18_000, 2_000)
    english, hungarian = data.texts["text"].texts(data.x_test), data.texts["output"].texts(data.y_test)
    with_day = 0
    for text, written in zip(english, hungarian, strict=True):
        *day, rest, year = text.split(", ")
        date = datetime.strptime(f"{rest} {year}", "%B %d %Y")
        named = f"{date.year}. {HUNGARIAN[date.month - 1]} {date.day}."
        assert written == (f"{named}, {DAYS[date.weekday()]}" if day else named)
        assert not day or day == [date.strftime("%A").lower()]
        with_day += bool(day)
    assert 800 < with_day < 1_200
    assert not set(english) & set(data.texts["text"].texts(data.x_train))


def test_addition_dataset() -> None:
    data = addition.load()
    text_tokens, output_tokens = data.texts["text"], data.texts["output"]
    sums = text_tokens.texts(data.x_train), text_tokens.texts(data.x_test)
    pairs = [{tuple(sorted(map(int, text.split("+")))) for text in part} for part in sums]
    assert len(pairs[0]) == 45_000 and len(pairs[1]) == 5_000 and not pairs[0] & pairs[1]
    for text, output in zip(sums[1], output_tokens.texts(data.y_test), strict=True):
        assert sum(map(int, text.split("+"))) == int(output)


def test_pronunciations_dataset() -> None:
    data = load("pronunciations")
    words, phonemes = data.texts["text"].texts(data.x_train), data.texts["output"].texts(data.y_train)
    known = dict(zip(words, phonemes, strict=True)) | dict(
        zip(data.texts["text"].texts(data.x_test), data.texts["output"].texts(data.y_test), strict=True)
    )
    assert known["gallery"] == "G AE L ER IY" and known["network"] == "N EH T W ER K"
    assert not {*words} & {*data.texts["text"].texts(data.x_test)}
    assert len(data.texts["output"].names) == 2 + 39
    assert not (data.x_train == 1).any() and not (data.y_test == 1).any()
