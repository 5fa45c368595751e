"""Tests of the task `forecast`: the loss, the figures and the pictures of a model with known forecasts."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras_gallery.training import load
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.data.series import Series, train_test_windows
from keras_gallery.training.errors import BadData
from keras_gallery.training.recipe import Recipe
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.tasks.forecasting import Forecasting
from keras_gallery.training.train import train
from matplotlib.image import imread

RECIPE = Recipe("forecast", "mine", "squared_error", 0.01, 1, 8)
HISTORY, HORIZON = 8, 3


def series(scale: float = 1.0) -> Series:
    steps = np.arange(120)
    values = np.sin(steps * 2 * np.pi / 6) + np.random.default_rng(0).normal(0, 0.1, len(steps))
    return Series(
        name="mine",
        **train_test_windows((scale * values).astype(np.float32)[:, None], 90, HISTORY, HORIZON),
        source="",
        labels=("waves",),
        test_start=90,
        season=6,
        arima={"order": (2, 0, 0)},
        ets={"seasonal": 6},
    )


def last_value() -> keras.Model:
    """Returns a model that forecasts the last value of the history for all steps."""
    history = keras.Input((HISTORY, 1))
    forecast = keras.layers.RepeatVector(HORIZON)(history[:, -1])
    return keras.Model(history, forecast, name="last_value")


def test_figures_equal_formulas() -> None:
    task = Forecasting(RECIPE, series(), seed=0)
    figures = task.evaluate(last_value())
    errors = task.dataset.x_test[:, -1:] - task.dataset.y_test
    assert figures["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert figures["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
    assert (figures["naive_mae"], figures["naive_rmse"]) == pytest.approx((figures["mae"], figures["rmse"]), rel=1e-5)
    # The seasonal naive forecast is the value one period earlier, so its error is the difference of two noise values.
    assert figures["seasonal_naive_rmse"] == pytest.approx(0.1 * np.sqrt(2), rel=0.3)
    assert figures["ets_rmse"] < figures["seasonal_naive_rmse"]


def test_loss_is_divided_by_the_variance() -> None:
    """The loss does not depend on the unit, and is about 1 for a model that always predicts the mean."""
    found = []
    for scale in (1.0, 1_000.0):
        task = Forecasting(RECIPE, series(scale), seed=0)
        model = last_value()
        model.compile("sgd", **task.loss())
        found.append(model.evaluate(*task.training, verbose=0))
        mean = keras.Model(model.input, 0 * model.output + float(task.training.y.mean()))
        mean.compile("sgd", **task.loss())
        assert mean.evaluate(*task.training, verbose=0) == pytest.approx(1, rel=1e-3)
    assert found[0] == pytest.approx(found[1], rel=1e-4) and found[0] > 0.5


def test_the_last_windows_are_the_validation_split() -> None:
    for seed in (0, 1):
        task = Forecasting(RECIPE, series(), seed)
        np.testing.assert_array_equal(task.held_out.y, task.dataset.y_train[-len(task.held_out.y) :])
        np.testing.assert_array_equal(task.training.y, task.dataset.y_train[: len(task.training.y)])
        assert len(task.held_out.x) == 16  # a fifth of 80


def test_pictures(tmp_path: Path) -> None:
    best = BestWeights()
    best.history, best.epoch = {"loss": [1.0, 0.5], "val_loss": [1.0, 0.6]}, 2
    Forecasting(RECIPE, series(), 0).draw(tmp_path, last_value(), best)
    assert {path.stem for path in tmp_path.iterdir()} == {"learning_curve", "errors", "forecast"}
    assert all(imread(path).std() > 0.05 for path in tmp_path.iterdir())


def test_other_datasets_are_rejected() -> None:
    with pytest.raises(BadData, match="The task forecast needs a dataset with windows of a series. Received: adding"):
        Forecasting(RECIPE, load("adding"), 0)


def test_short_training(tmp_path: Path) -> None:
    config = TrainConfig("sequence_to_sequence", "co2_seasonal", {"units": 4}, "sunspots", epochs=2, root=tmp_path)
    with pytest.raises(Exception, match="season"):
        train(TrainConfig("sequence_to_sequence", "sunspots", {"season": 3}, epochs=1, root=tmp_path))
    run = train(config)
    assert run.config["hyperparameters"]["horizon"] == 11
    assert run.history["loss"][1] < run.history["loss"][0]
    assert run.metrics["naive_mae"] > run.metrics["arima_mae"] > 0
