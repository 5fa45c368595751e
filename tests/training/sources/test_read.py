"""Tests of the datasets that are read from tables, series, texts and arrays of a user's own."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from keras_gallery.models import list_models
from keras_gallery.models.registry import describe
from keras_gallery.training.data.dataset import Dataset, hold_out
from keras_gallery.training.data.series import Series
from keras_gallery.training.errors import BadData
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.settings import TrainConfig, check
from keras_gallery.training.sources.needs import FORMS, forms, needs
from keras_gallery.training.sources.read import read, summary
from keras_gallery.training.sources.source import Source, source_of

RNG = np.random.default_rng(0)
COUNT = 60
TABLE = pd.DataFrame(
    {
        "size": np.arange(COUNT, dtype=float),
        "colour": ["red", "blue", "red"] * (COUNT // 3),
        "group": np.arange(COUNT) // 6,
        "class": ["10", "9", "10"] * (COUNT // 3),
    }
)
MONTHS = pd.DataFrame({"month": pd.date_range("2000-01", periods=COUNT, freq="MS"), "value": np.arange(COUNT) % 12})
GAP = MONTHS.assign(value=MONTHS["value"].where(MONTHS.index != 7))
CLASSES = {"target": "class", "ignore": "group"}
TEXTS = pd.DataFrame({"text": ["für dich", "Nein, danke."] * 10, "label": ["yes", "no"] * 10})
IMAGES = RNG.integers(0, 256, (20, 8, 8)).astype(np.uint8)


def own(model: str, data: Any, seed: int = 0, **options: Any) -> Dataset:
    return read(source_of(data, options), model, load_recipe(model), seed)


@pytest.mark.parametrize("kind", ["pipe", "socket", "loop", "long", "missing"])
def test_paths_that_are_no_files(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket may have only 107 bytes
    name, message = f"{kind}.csv", "is not a regular file or folder"
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
    elif kind == "loop":
        Path(name).symlink_to(name)
        message = "Cannot read loop.csv: Too many levels of symbolic links."
    elif kind == "long":
        name, message = "x" * 5_000 + ".csv", "File name too long"
    else:
        message = "There is no file or folder missing.csv."
    with pytest.raises(BadData, match=message):
        check(TrainConfig("mlp_classifier", source=source_of(name, {})))


def test_titles_are_printable(tmp_path: Path) -> None:
    assert Source(tmp_path / "odd\udcff\x1b\n.csv").title == r"odd\xff\x1b\n"
    (tmp_path / "odd\udcff\n").mkdir()
    assert Source(tmp_path / "odd\udcff\n").title == r"odd\xff\n"


def test_table_of_classes() -> None:
    data = own("mlp_classifier", TABLE, **CLASSES)
    assert (data.labels, data.shape) == (("9", "10"), (3,))
    number, category = data.preparation["columns"]  # type: ignore[index]
    assert category == {"name": "colour", "type": "category", "names": ["blue", "red"], "missing": None}
    assert (number["least"], number["most"]) == (data.x_train[:, 0].min(), data.x_train[:, 0].max())
    red, blue = data.x_train[:, 0] % 3 != 1, data.x_train[:, 0] % 3 == 1
    np.testing.assert_array_equal(data.x_train[:, 1:], np.stack([blue, red], axis=1))
    np.testing.assert_array_equal(data.y_train, red)


def test_the_parts_are_disjoint_and_stratified() -> None:
    data = own("mlp_classifier", TABLE, **CLASSES)
    training, validation = hold_out(data, seed=5)
    parts = [training, validation, (data.x_test, data.y_test)]
    assert sorted(np.concatenate([x[:, 0] for x, _ in parts])) == list(range(COUNT))
    assert [len(y) for _, y in parts] == [43, 5, 12]
    assert [round(float(np.mean(y == 0)), 1) for _, y in parts] == [0.3, 0.4, 0.3]
    assert (own("mlp_classifier", TABLE, seed=1, **CLASSES).x_test != data.x_test).any()


def test_split_by_group() -> None:
    data = own("mlp_classifier", TABLE, target="class", group="group")
    training, validation = hold_out(data, seed=0)
    groups = [set(x[:, 0] // 6) for x in (training.x, validation.x, data.x_test)]
    assert sum(map(len, groups)) == len(set.union(*groups)) == COUNT // 6


def test_split_by_time() -> None:
    table = TABLE.assign(day=pd.date_range("2000-01-01", periods=COUNT)[::-1])
    data = own("mlp_classifier", table, time="day", **CLASSES)
    np.testing.assert_array_equal(data.x_test[:, 0], np.arange(12)[::-1])


def test_missing_category() -> None:
    table = TABLE.assign(colour=[None, *TABLE["colour"][1:]])
    data = own("mlp_classifier", table, missing="unknown", **CLASSES)
    assert data.preparation["columns"][1]["names"] == ["blue", "red", "unknown"]  # type: ignore[index]
    assert np.concatenate([data.x_train, data.x_test])[:, 3].sum() == 1


def test_test_table() -> None:
    test = TABLE.iloc[:5][["class", "colour", "size"]]
    data = own("mlp_classifier", TABLE, test=test, **CLASSES)
    np.testing.assert_array_equal(data.x_test, own("mlp_classifier", TABLE, test=TABLE[:5], **CLASSES).x_test)
    assert (len(data.x_train), data.x_test[:, 0].tolist()) == (COUNT, [0, 1, 2, 3, 4])


def test_categories_become_ids() -> None:
    data = own("entity_embedding", TABLE, target="size", ignore="class")
    assert list(data.texts) == ["colour", "group"]
    assert data.texts["colour"].names == ("blue", "red")
    np.testing.assert_array_equal(data.x_train[:, 0] - 2, data.y_train[:, 0] % 3 != 1)
    others = {"sea area": "a", "Colour": "b", "word": "c", "ids": "d", "π": "e"}  # columns may have any name
    assert own("entity_embedding", TABLE.assign(**others), target="size").texts.keys() > others.keys()


@pytest.mark.parametrize(
    ("model", "change", "options", "message"),
    [
        ("mlp_classifier", {}, {}, "Name the column to predict (--target)."),
        ("mlp_classifier", {}, {"target": "klass"}, "has no column klass (--target). Did you mean class?"),
        ("mlp_classifier", {"class": "a"}, CLASSES, "All values in the column class of the DataFrame are a."),
        ("mlp_classifier", {}, {"target": "size"}, "There are 60 different values in the column size"),
        ("mlp_classifier", {"colour": None}, CLASSES, "Missing value in the column colour of the DataFrame, row 1"),
        ("mlp_classifier", {"day": pd.Timestamp(0)}, CLASSES, "The column day of the DataFrame has dates."),
        ("mlp_classifier", {"list": [(1,)] * COUNT}, CLASSES, "The column list of the DataFrame has neither numbers"),
        ("mlp_classifier", {"id": [f"n{i}" for i in range(2 * COUNT)]}, CLASSES, "has 120 different texts"),
        ("mlp_classifier", {"size": ["a lot", *range(COUNT - 1)]}, CLASSES, "has numbers, but the text a lot in row 1"),
        ("mlp_classifier", {}, {**CLASSES, "horizon": 3}, "The option horizon has no effect on the data of"),
        ("mlp_classifier", {}, {**CLASSES, "test": TABLE[["size", "class"]]}, "has no column colour"),
        ("mlp_classifier", {}, {**CLASSES, "test": TABLE.assign(colour="green")}, "has green in row 1"),
        ("mlp_regressor", {}, {"target": "colour"}, "has texts such as red, and mlp_regressor predicts numbers."),
        ("mlp_regressor", {}, {"target": "size", "split": "stratified"}, "A stratified split needs classes."),
        ("thin_network", {}, {"target": ("size", "group")}, "thin_network predicts one number."),
        (
            "entity_embedding",
            {"half": 0.5},
            {"target": "size", "ignore": "class"},
            "The column half of the DataFrame has numbers with",
        ),
        ("convnet", {}, CLASSES, "convnet takes pictures of classes: a folder with a subfolder for each class"),
    ],
)
def test_bad_table(model: str, change: dict[str, Any], options: dict[str, Any], message: str) -> None:
    repeats = max((len(value) // COUNT for value in change.values() if isinstance(value, list)), default=1)
    table = pd.concat([TABLE] * repeats, ignore_index=True).assign(**change)
    with pytest.raises(BadData) as caught:
        own(model, table, **options)
    assert message in str(caught.value)


def test_tiny_tables() -> None:
    assert [len(part) for part in (own("mlp_classifier", TABLE[:3], **CLASSES).x_test,)] == [1]
    with pytest.raises(BadData, match=r"has 2 examples. At least 3 are needed\."):
        own("mlp_classifier", TABLE[:2], **CLASSES)


def test_series() -> None:
    data = own("sequence_to_sequence", MONTHS[::-1], time="month", horizon=3, history=5)
    assert isinstance(data, Series)
    assert (data.season, data.test_start, data.horizon, data.shape) == (12, 48, 3, (5, 1))
    assert data.values[:, 0].tolist() == MONTHS["value"].tolist()
    times = {name: data.preparation[name] for name in ("step", "first", "last")}  # type: ignore[index]
    assert times == {"step": "month", "first": "2000-01", "last": "2004-12"}
    assert data.times is not None
    np.testing.assert_array_equal(data.times, MONTHS["month"].to_numpy())


def test_the_season_of_a_series_without_times() -> None:
    data = own("sequence_to_sequence", np.arange(COUNT) % 7)
    assert isinstance(data, Series)
    assert data.season == 7
    assert data.arima is not None and list(data.arima) == ["order"] and data.times is None


def test_next_values_for_a_regression_network() -> None:
    data = own("lstm", MONTHS, time="month", horizon=2, history=4)
    assert (data.shape, data.labels) == ((4, 1), ("value in step 1", "value in step 2"))
    np.testing.assert_array_equal(data.y_train[:, 0], (data.x_train[:, -1, 0] + 1) % 12)
    training, validation = hold_out(data, seed=0)
    assert len(training.x) + len(validation.x) == len(data.x_train) == 42  # 43 windows, and one is left out
    np.testing.assert_array_equal(data.x_test[-1, :, 0], [6, 7, 8, 9])


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (MONTHS.drop(5), {}, "are not regular: 2000-07-01 follows 2000-05-01 (row 6)"),
        (pd.concat([MONTHS, MONTHS[:1]]), {}, "The column month of the DataFrame has the time 2000-01-01 twice (row"),
        (pd.concat([MONTHS, MONTHS]), {}, "If the file has several series, give each series a column of its own."),
        (MONTHS, {"group": "value"}, "A file has one series, so the option group has no effect on the data of"),
        (MONTHS[:9], {"history": 6}, "The training period of own data has 7 steps, too few for history=6"),
        (MONTHS.assign(value=1), {}, "are 1: there is nothing to learn. Use other data."),
        (MONTHS.assign(more=1), {}, "are 1: there is nothing to learn. Name the other columns with --value."),
        (GAP, {}, "DataFrame, row 8. Fill in a number, such as the mean of the values before and after it."),
        (
            GAP.assign(more=range(COUNT)),
            {},
            "the values before and after it, or leave out the column: name the other columns with --value.",
        ),
        (MONTHS, {"horizon": 20}, "The test period of own data has 12 steps, fewer than the horizon of 20."),
        (MONTHS, {"time": None}, "The column month of the DataFrame has dates. Name it with --time month."),
        (MONTHS, {"test": MONTHS}, "The times of the DataFrame must follow the times of the DataFrame."),
        (MONTHS, {"split": "random"}, "The test examples of a series are its last steps."),
        (MONTHS.assign(month="soon"), {}, "The column month of the DataFrame has soon in row 1"),
    ],
)
def test_bad_series(table: pd.DataFrame, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData) as caught:
        own("sequence_to_sequence", table, **{"time": "month", **options})
    assert message in str(caught.value)


def test_texts_of_classes() -> None:
    data = own("sequence_to_vector", TEXTS)
    assert (data.labels, data.texts["text"].names) == (("no", "yes"), ("danke", "dich", "für", "nein"))
    np.testing.assert_array_equal(data.x_train[data.y_train == 1][0], data.texts["text"].ids(["FÜR dich!"])[0])
    assert data.preparation == {"kind": "texts"}


def test_pairs_of_texts() -> None:
    table = pd.DataFrame({"word": ["ab", "cd", "ab", "ef"] * 3, "sound": ["A B", "C D", "A P", "E F"] * 3})
    data = own("encoder_decoder", table, text="word", label="sound")
    assert (data.texts["text"].split, data.texts["output"].split) == ("characters", "spaces")
    assert not set(map(bytes, data.x_train)) & set(map(bytes, data.x_test))  # all pairs of a word are in one part


def test_sentences() -> None:
    data = own("word2vec_cbow", ["the cat sat", "one", "a dog ran", "the dog sat"])
    assert (len(data.x_train), len(data.x_test)) == (2, 1)
    with pytest.raises(BadData, match="has 0 sentences with two or more words"):
        own("word2vec_cbow", ["one", "two"])


@pytest.mark.parametrize(
    ("model", "data", "shape", "labels"),
    [
        ("convnet", (IMAGES, [1, 5] * 10), (8, 8, 1), ("1", "5")),
        ("mlp_classifier", {"x_train": IMAGES / 255, "y_train": ["b", "a"] * 10}, (8, 8, 1), ("a", "b")),
        ("mlp_classifier", (RNG.random((20, 4)), np.eye(2)[[0, 1] * 10]), (4,), ("0", "1")),
        ("mlp_regressor", (RNG.random((20, 4)), RNG.random((20, 2))), (4,), ("target_1", "target_2")),
        ("lstm", (RNG.random((20, 7, 2)), RNG.random(20)), (7, 2), ("target",)),
        ("conv1d_gru", (RNG.random((20, 7, 2)), [0, 1] * 10), (7, 2), ("0", "1")),
        ("denoising_autoencoder", IMAGES, (8, 8, 1), ()),
        ("segmenter", (IMAGES, np.eye(8, dtype=np.int64)[None].repeat(20, 0)), (8, 8, 1), ("0", "background")),
        ("vector_to_sequence", (IMAGES, ["one", "two"] * 10), (8, 8, 1), ()),
        ("mlp_classifier", (TABLE[["size"]], TABLE["colour"]), (1,), ("blue", "red")),
    ],
)
def test_arrays(model: str, data: Any, shape: tuple[int, ...], labels: tuple[str, ...]) -> None:
    dataset = own(model, data)
    assert (dataset.shape, dataset.labels) == (shape, labels)
    assert len(dataset.x_train) + len(dataset.x_test) == len(
        data[0] if isinstance(data, tuple) else IMAGES
    ) or shape == (1,)
    assert not len(shape) == 3 or dataset.x_train.max() <= 1


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (
            "convnet",
            (IMAGES * 1.0, [0, 1] * 10),
            "Expected values from 0 to 1 in x. Received: from 0 to 255. Divide by",
        ),
        ("convnet", (IMAGES[..., None].repeat(2, 3), [0, 1] * 10), "Expected x as images"),
        ("convnet", (IMAGES, [0, 1]), "x has 20 examples, but y has 2."),
        ("convnet", {"images": IMAGES, "y": [0, 1] * 10}, "The dict needs the arrays x and y"),
        ("convnet", IMAGES, "convnet needs targets: arrays x and y."),
        ("convnet", {"x": IMAGES, "y": [0, 1] * 10, "x_test": IMAGES, "y_test": [2] * 20}, "y_test has the class 2"),
        ("lstm", (np.full((20, 7, 2), np.nan), RNG.random(20)), "Expected x as finite numbers"),
        ("colorization_autoencoder", IMAGES, "colorization_autoencoder needs colour images with 3 channels."),
    ],
)
def test_bad_arrays(model: str, data: Any, message: str) -> None:
    with pytest.raises(BadData) as caught:
        own(model, data)
    assert message in str(caught.value)


def test_each_model_takes_a_form_that_fits_its_inputs() -> None:
    for model in list_models():
        recipe = load_recipe(model)
        (first, *_), parameters = forms(model, recipe), describe(model).parameters
        assert needs(model, recipe).startswith(FORMS[first][0])
        assert ("image_shape" in parameters) == (first in ("class_pictures", "pictures", "masks", "boxes", "captions"))
        assert ("tokens" in parameters) == (first in ("texts", "tags", "pairs", "lines"))


def test_options() -> None:
    with pytest.raises(BadData, match="Expected test_share to be a number above 0 and below 1"):
        Source("x.csv", test_share=1)
    with pytest.raises(BadData, match="Expected horizon to be an integer of at least 1. Received: 0"):
        Source("x.csv", horizon=0)
    assert source_of("a/x.csv", {"target": "y", "group": None}).record() == {"data": "x.csv", "target": ["y"]}
    assert (Source("a/x.csv.gz").title, Source(TABLE).record()) == ("x", {"data": "DataFrame"})


def test_summary() -> None:
    assert summary(own("mlp_classifier", TABLE, **CLASSES)) == (
        "43 training, 5 validation and 12 test examples; 1 column of numbers (size); "
        "1 column of categories (colour); 2 classes (9, 10)"
    )


def test_whole_numbers_are_names_without_a_point() -> None:
    assert own("mlp_classifier", TABLE.assign(kind=[1.0, 2.0] * 30), target="kind", ignore="class").labels == ("1", "2")


def test_sentences_need_no_labels() -> None:
    with pytest.raises(BadData) as caught:
        own("word2vec_skipgram", pd.DataFrame({"sentence": ["one two", "three four"]}))
    assert "has no column text. Name the column with --text. The columns are: sentence." in str(caught.value)
