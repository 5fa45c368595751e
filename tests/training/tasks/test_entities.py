"""Tests of the task `regress_entities`, which predicts numbers from categories, and of its dataset `el_nino`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.training import load, load_recipe
from keras_gallery.training.errors import BadData
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.tasks.entities import Entities
from keras_gallery.training.train import train
from statsmodels.datasets import elnino

RECIPE = load_recipe("entity_embedding", "el_nino")


def test_el_nino_equals_the_table() -> None:
    dataset = load("el_nino")
    assert (dataset.x_train.shape, dataset.x_test.shape) == ((586, 2), (146, 2))
    table = elnino.load_pandas().data.to_numpy()
    x, y = np.concatenate([dataset.x_train, dataset.x_test]), np.concatenate([dataset.y_train, dataset.y_test])
    assert len(np.unique(x, axis=0)) == 732
    np.testing.assert_allclose(y[:, 0], table[x[:, 1] - 2, x[:, 0] - 1], rtol=1e-6)  # column 0 is the year
    months, years = dataset.texts.values()
    assert list(dataset.texts) == ["month", "year"]
    assert (months.names[0], months.names[-1], years.names[0], years.names[-1]) == (
        "January",
        "December",
        "1950",
        "2010",
    )
    np.testing.assert_array_equal(load("el_nino").x_test, dataset.x_test)


def test_baselines() -> None:
    """One baseline predicts the mean of each category. The other uses least squares on one-hot columns."""
    task = Entities(RECIPE, load("el_nino"), seed=0)
    assert task.hyperparameters()["categories"] == (14, 63)
    x, y, x_test, y_test = *task.training, task.dataset.x_test, task.dataset.y_test
    found = task.evaluate(create("entity_embedding", dims=(1, 1)))
    for column, field in enumerate(task.dataset.texts):
        means = np.array([y[x[:, column] == each].mean() for each in x_test[:, column]])
        assert found[f"{field}_rmse"] == pytest.approx(np.sqrt(np.mean((y_test[:, 0] - means) ** 2)), rel=1e-3)

    def one_hot(ids: np.ndarray) -> np.ndarray:
        return np.concatenate([np.eye(14)[ids[:, 0]], np.eye(63)[ids[:, 1]]], axis=1)

    effects = np.linalg.lstsq(one_hot(x), y, rcond=None)[0]
    rmse = np.sqrt(np.mean((y_test - one_hot(x_test) @ effects) ** 2))
    assert found["linear_rmse"] == pytest.approx(rmse, rel=1e-3)
    assert found["linear_rmse"] < found["month_rmse"] < found["mean_rmse"]


def test_columns_without_names_are_rejected() -> None:
    dataset = dataclasses.replace(load("el_nino"), texts={})
    with pytest.raises(BadData, match="The task regress_entities needs a dataset with numbers for categories"):
        Entities(RECIPE, dataset, seed=0)


def test_short_training(tmp_path: Path) -> None:
    run = train(TrainConfig("entity_embedding", epochs=2, root=tmp_path))
    assert run.history["loss"][1] < run.history["loss"][0]
    assert run.config["hyperparameters"]["categories"] == [14, 63]
    names = {path.stem for path in (run.folder / "pictures").iterdir()}
    assert names == {"learning_curve", "temperature", "month", "year", "month_neighbours", "year_neighbours"}
    assert all(np.isfinite(figure) for figure in run.metrics.values())
    assert run.model.count_params() == run.metrics["parameters"]
