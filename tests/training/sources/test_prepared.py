"""Tests of reading other data as the data of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from keras_gallery.training.data.dataset import Dataset
from keras_gallery.training.data.series import Series
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.errors import BadData
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.sources.prepared import Known, read_prepared
from keras_gallery.training.sources.read import read
from keras_gallery.training.sources.source import Source, source_of
from PIL import Image

TABLE = pd.DataFrame({"width": np.arange(30.0), "kind": ["a", "b", "c"] * 10, "class": ["yes", "no"] * 15})
CITIES = pd.DataFrame({"city": ["A", "B"] * 10, "price": np.arange(20.0)})
MONTHS = pd.date_range("2000-01", periods=120, freq="MS")
SERIES = pd.DataFrame({"month": MONTHS, "value": np.sin(np.arange(120) * np.pi / 6)})
TEXTS = pd.DataFrame({"review": ["good film", "bad film"] * 10, "mood": ["+", "-"] * 10})


def known(model: str, data: Any, **options: Any) -> tuple[Known, Dataset]:
    """Returns what a run with these data would say about its data, and its dataset."""
    recipe, source = load_recipe(model), source_of(data, options)
    dataset = read(source, model, recipe, 0)
    season = dataset.season if isinstance(dataset, Series) else 1
    shapes = dataset.x_test.shape[1:], dataset.y_test.shape[1:]
    record = source.record()
    return Known(
        model, recipe, dataset.preparation, dataset.labels, dataset.texts, *shapes, season=season, options=record
    ), dataset


def test_a_table_keeps_its_columns_and_classes() -> None:
    run, _ = known("mlp_classifier", TABLE, target="class")
    other = TABLE.iloc[[4, 1]][["class", "kind", "width"]].assign(new=1)  # another order, fewer categories
    dataset = read_prepared(Source(other), run)
    np.testing.assert_array_equal(dataset.x_test, [[4, 0, 1, 0], [1, 0, 1, 0]])
    np.testing.assert_array_equal(dataset.y_test, [1, 0])  # "no" and "yes" in alphabetical order
    assert dataset.labels == ("no", "yes") and len(dataset.x_train) == 0
    for wrong, message in {
        "kind": "The column kind of the DataFrame has d in row 1, which the training data do not have",
        "class": "The column class of the DataFrame has d in row 1, which the training data do not have",
    }.items():
        with pytest.raises(BadData, match=message):
            read_prepared(Source(other.assign(**{wrong: "d"})), run)
    with pytest.raises(BadData, match="has no column width"):
        read_prepared(Source(other.drop(columns="width")), run)


def test_the_option_time_is_for_series() -> None:
    run, _ = known("mlp_classifier", TABLE, target="class")
    with pytest.raises(BadData, match="The option time has no effect: the run was not trained on a series"):
        read_prepared(Source(TABLE, time="width"), run)


def test_unknown_categories_of_embeddings_are_counted() -> None:
    run, dataset = known("entity_embedding", CITIES, target="price")
    other = read_prepared(Source(pd.DataFrame({"price": [1, 2, 3], "city": ["B", "C", "C"]})), run)
    assert other.x_test[:, 0].tolist() == [dataset.texts["city"].ids(["B"])[0, 0], 1, 1]
    assert other.notes == ("2 of 3 rows have a category of city that the training data do not have",)


def test_texts_keep_their_vocabulary_and_length() -> None:
    run, dataset = known("sequence_to_vector", TEXTS, text="review", label="mood")
    other = read_prepared(Source(pd.DataFrame({"review": ["film", "good new film"], "mood": ["-", "+"]})), run)
    film, good = (dataset.texts["text"].ids([word])[0, 0] for word in ("film", "good"))
    np.testing.assert_array_equal(other.x_test, [[film, 0], [good, 1]])  # truncated to two tokens
    assert other.y_test.tolist() == [dataset.labels.index("-"), dataset.labels.index("+")]
    assert other.notes == ("33.3% of the tokens of the texts are not in the vocabulary of the run",)
    sentences = Known(
        "word2vec_cbow", load_recipe("word2vec_cbow"), None, (), {"word": Tokens(("a", "b"), "words")}, (3,), (), 1, {}
    )
    assert read_prepared(Source(["a x b", "a", "c d"]), sentences).x_test.tolist() == [[2, 1, 3]]
    with pytest.raises(BadData, match="No sentence of own data has two words"):
        read_prepared(Source(["x y"]), sentences)


def test_all_windows_of_a_series_are_tested() -> None:
    run, dataset = known("sequence_to_sequence", SERIES, time="month", value="value", horizon=3, history=5)
    other = SERIES.assign(value=np.arange(120.0))
    found = read_prepared(Source(other), run)
    assert isinstance(found, Series) and isinstance(dataset, Series) and found.season == dataset.season == 12
    assert len(found.x_test) == len(found.origins) == 120 - 12 - 3 + 1  # the seasonal baseline needs 12 steps
    np.testing.assert_array_equal(found.x_test[0, :, 0], np.arange(7, 12))
    np.testing.assert_array_equal(found.y_test[-1, :, 0], np.arange(117, 120))
    with pytest.raises(BadData, match="The run was trained on steps of one month"):
        read_prepared(Source(other.assign(month=pd.date_range("2000-01", periods=120))), run)
    with pytest.raises(BadData, match="has 14 steps, fewer than the history of 12 and the horizon of 3"):
        read_prepared(Source(other[:14]), run)
    assert found.times is not None and found.times[-1] == np.datetime64("2009-12")
    renamed = other[::-1].rename(columns={"month": "date"})
    found = read_prepared(Source(renamed, time="date"), run)
    np.testing.assert_array_equal(found.y_test[-1, :, 0], np.arange(117, 120))
    run, _ = known("gru", SERIES, time="month", value="value", history=5)
    found = read_prepared(Source(other), run)
    assert found.x_test.shape == (115, 5, 1) and found.y_test[:, 0].tolist() == list(range(5, 120))


def test_images_keep_their_shape_and_classes() -> None:
    images = np.random.default_rng(0).random((20, 8, 8))
    run, _ = known("mlp_classifier", (images, ["x", "y"] * 10))
    assert read_prepared(Source((images[:2], ["y", "x"])), run).y_test.tolist() == [1, 0]
    with pytest.raises(BadData, match=r"inputs of the shape \(8, 8, 1\). Received: x with the shape \(20, 8, 7, 1\)"):
        read_prepared(Source((images[:, :, 1:], ["y"] * 20)), run)
    with pytest.raises(BadData, match=r"The run has no class z \(y\). Its classes are: x, y."):
        read_prepared(Source((images[:1], ["z"])), run)


@pytest.mark.models
def test_pictures_keep_their_size_and_classes(tmp_path: Path) -> None:
    for name in ("new/b/one.png", "other/c/one.png"):
        Path(tmp_path, name).parent.mkdir(parents=True)
        Image.new("RGB", (20, 10), (255, 0, 0)).save(tmp_path / name)
    (tmp_path / "new/b/two.png").write_bytes(b"no picture")
    preparation = {"kind": "pictures", "height": 4, "width": 4, "channels": 1, "fit": "pad", "pixels": "0..1"}
    run = Known("mlp_classifier", load_recipe("mlp_classifier"), preparation, ("a", "b"), {}, (4, 4, 1), (), 1, {})
    dataset = read_prepared(Source(tmp_path / "new"), run)
    assert dataset.x_test.shape == (1, 4, 4, 1) and dataset.y_test.tolist() == [1]
    np.testing.assert_allclose(dataset.x_test[0, :, 0, 0], [0, 0.299, 0.299, 0], atol=0.002)  # two rows of padding
    assert len(dataset.notes) == 1 and "Skipped 1 broken" in dataset.notes[0]
    with pytest.raises(BadData, match="Broken pictures: .*two.png"):
        read_prepared(Source(tmp_path / "new", strict=True), run)
    with pytest.raises(BadData, match=r"The run has no class c \(other\). Its classes are: a, b."):
        read_prepared(Source(tmp_path / "other"), run)
    with pytest.raises(BadData, match="The run was trained on pictures, and own data is a table"):
        read_prepared(Source(TABLE), run)
