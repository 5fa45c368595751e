"""Tests of training on a user's own data: the files of the run, and the hyperparameters that depend on the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.data.series import Series
from keras_gallery.training.errors import BadData
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.saving import finite
from keras_gallery.training.sources import memory
from keras_gallery.training.sources.read import read
from keras_gallery.training.sources.source import source_of
from keras_gallery.training.tasks import TASKS, Task

import keras_gallery as kg

COUNT = 40
TABLE = pd.DataFrame(
    {
        "width": np.arange(COUNT) * 1e4 + 5e6,
        "month": ["May", "June", "July", "August"] * (COUNT // 4),
        "price in $x_{$": np.arange(COUNT, dtype=float),
    }
)


def task_of(model: str, data: Any, **options: Any) -> Task:
    recipe = load_recipe(model)
    return TASKS[recipe.task](recipe, read(source_of(data, options), model, recipe, 0), 0)


def test_the_run_of_a_table(tmp_path: Path) -> None:
    TABLE.assign(day=[1, 2] * (COUNT // 2)).to_csv(tmp_path / "prices.csv", index=False)
    steps: list[str] = []
    run = kg.train(
        "entity_embedding",
        data=tmp_path / "prices.csv",
        target="price in $x_{$",
        ignore=["width"],
        epochs=1,
        hidden=(2,),
        runs=tmp_path,
        progress=steps.append,
    )
    assert run.config["source"] == {"data": "prices.csv", "target": ["price in $x_{$"], "ignore": ["width"]}
    assert "examples_per_second" in run.metrics and "images_per_second" not in run.metrics
    assert (run.config["dataset"], run.config["labels"]) == ("prices", ["price in $x_{$"])
    assert any("29 training, 3 validation and 8 test examples" in step for step in steps)
    preparation = json.loads(Path(run.folder, "preparation.json").read_text("utf-8"))
    assert [column["name"] for column in preparation["columns"]] == ["month", "day"]
    files = {file.name for file in Path(run.folder, "pictures").iterdir()}
    assert files >= {"learning_curve.png", "price_in_x.png", "month.png", "day_neighbours.png"}


def test_features_are_normalised() -> None:
    task = task_of("mlp_classifier", TABLE, target="month")
    model = kg.create("mlp_classifier", input_shape=task.dataset.shape, classes=4, hidden=(2,))
    task.prepare(model)
    np.testing.assert_allclose(model.get_layer("normalization").mean[0], task.training.x.mean(axis=0), rtol=1e-5)


def test_pictures_of_odd_columns_and_equal_targets(tmp_path: Path) -> None:
    table = TABLE.rename(columns={"width": "../learning_curve"})[:3].assign(learning_curve=1)
    task = task_of("mlp_regressor", table, target=("price in $x_{$", "learning_curve"))
    model = kg.create("mlp_regressor", input_shape=task.dataset.shape, outputs=2, hidden=(2,))
    best = BestWeights()
    best.history, best.epoch = {"loss": [1.0], "val_loss": [1.0]}, 1
    task.draw(tmp_path, model, best)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["learning_curve.png", "learning_curve_2.png", "price_in_x.png"]
    assert "r2" not in finite(task.evaluate(model))  # it is not defined for a single test example


def test_vectors_of_categories_have_lengths_that_fit() -> None:
    task = task_of("entity_embedding", TABLE[["month", "width"]].assign(day=range(COUNT)), target="width")
    assert task.hyperparameters()["categories"][0] == 6
    assert task.suggestions()["dims"][0] == 2


def test_a_season_is_suggested_if_the_history_covers_it() -> None:
    waves = np.sin(np.arange(100) * 2 * np.pi / 10)
    assert task_of("sequence_to_sequence", waves, horizon=12, history=30).suggestions() == {"season": 20}
    assert task_of("sequence_to_sequence", waves, horizon=12, history=20).suggestions() == {}


def test_long_series_have_no_slow_baselines() -> None:
    task = task_of("sequence_to_sequence", np.arange(3_000) % 7)
    assert isinstance(task.dataset, Series)
    assert (task.dataset.arima, task.dataset.ets) == (None, None)
    assert list(task.baselines) == ["naive", "seasonal_naive"]  # type: ignore[attr-defined]


def test_tf_data_and_py_dataset() -> None:
    import keras
    import tensorflow as tf

    x, y = np.arange(40, dtype=np.float32).reshape(20, 2), np.arange(20) % 2
    examples = tf.data.Dataset.from_tensor_slices((x, y))
    want = task_of("mlp_classifier", (x, y)).dataset.x_train

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            return x[5 * index : 5 * index + 5], y[5 * index : 5 * index + 5]

    for data in (examples, examples.batch(6), Batches()):
        np.testing.assert_array_equal(task_of("mlp_classifier", data).dataset.x_train, want)
    with pytest.raises(BadData, match="has no end"):
        task_of("mlp_classifier", examples.repeat())


@pytest.mark.models
def test_data_of_unknown_length_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may have no end."""
    import tensorflow as tf

    monkeypatch.setattr(memory, "MOST_UNKNOWN_BYTES", 1 << 10)
    x, y = np.zeros((1000, 2), np.float32), np.arange(1000) % 2
    examples = tf.data.Dataset.from_tensor_slices((x, y)).repeat().filter(lambda x, y: True)
    with pytest.raises(BadData, match=r"has more than 0 GiB\. .*, or say how many elements it has: apply"):
        task_of("mlp_classifier", examples)
    many = examples.take(200)
    with pytest.raises(BadData, match="has more than 0 GiB"):
        task_of("mlp_classifier", many)
    known = many.apply(tf.data.experimental.assert_cardinality(200))
    assert len(task_of("mlp_classifier", known).dataset.x_train) > 100


def test_data_and_dataset_exclude_each_other() -> None:
    with pytest.raises(BadData, match="Train on a dataset or on your own data, not on both"):
        kg.train("mlp_classifier", data=TABLE, dataset="digits", target="month")
