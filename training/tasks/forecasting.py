"""The task of forecasting a time series."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..data.dataset import Dataset
from ..data.series import Series, hold_out_last
from ..figures.baselines import Floats, baselines
from ..pictures import plots
from ..pictures import series as series_plots
from ..recipe import Recipe
from .base import Task, Yardsticks, outputs_of

VALIDATION_SHARE = 0.2
SHOWN = 4
NAMES = {"naive": "last value", "seasonal_naive": "last season", "arima": "ARIMA", "ets": "exponential smoothing"}


class Forecasting(Task):
    """The task `forecast`: predicts the next steps of a series.

    The validation split is the last fifth of the training windows.
    """

    targets = "windows of a series"
    dataset: Series

    def __init__(self, recipe: Recipe, dataset: Dataset, seed: int) -> None:
        super().__init__(recipe, dataset, seed)
        self.training, self.held_out = hold_out_last(self.dataset, VALIDATION_SHARE)

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return isinstance(dataset, Series)

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {
            "features": self.dataset.values.shape[1],
            "horizon": self.dataset.horizon,
        }

    def suggestions(self) -> dict[str, Any]:
        """Returns the seasonal period if the series has a season: the least multiple that covers the horizon."""
        season = self.dataset.season * math.ceil(self.dataset.horizon / self.dataset.season)
        is_seasonal = self.dataset.season > 1 and season < self.dataset.shape[0]
        return {"season": season} if is_seasonal else {}

    def loss(self) -> dict[str, Any]:
        """Returns the arguments for the mean squared error, divided by the variance of the targets.

        This loss does not depend on the unit of the series.
        """
        variance = float(np.var(self.training.y, axis=(0, 1)).mean())
        return {"loss": keras.losses.MeanSquaredError(), "loss_weights": 1 / variance}

    def fit_yardsticks(self) -> Yardsticks:
        return {"season": np.array(self.dataset.season)}

    @cached_property
    def baselines(self) -> dict[str, Floats]:
        """Baseline forecasts `(n, horizon, features)` of the test windows, by name."""
        return baselines(self.dataset)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns the errors of the model and of the baselines over all steps, in the unit of the series.

        `mae` and `rmse` are the errors of the model, `naive_mae` and `naive_rmse` are the errors of the naive forecast,
        and so on for each baseline.
        """
        targets = self.dataset.y_test
        forecasts = {"": outputs_of(model, self.dataset.x_test)}
        forecasts |= {f"{name}_": values for name, values in self.baselines.items()}
        figures: dict[str, float] = {}
        for prefix, values in forecasts.items():
            figures[f"{prefix}mae"] = float(np.abs(values - targets).mean())
            figures[f"{prefix}rmse"] = float(np.sqrt(np.square(values - targets, dtype=np.float64).mean()))
        return figures

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        data, title = self.dataset, f"{model.name}, {self.dataset.name}"
        forecasts = {NAMES[name]: values for name, values in self.baselines.items()}
        forecasts["this model"] = outputs_of(model, data.x_test)
        errors = {
            name: np.abs(values - data.y_test).mean(axis=(0, 2)) for name, values in forecasts.items()
        }  # for each step
        plots.lines(
            folder / "errors.png",
            f"{title}: test windows",
            range(1, data.horizon + 1),
            {name: by_step.tolist() for name, by_step in errors.items()},
            "steps ahead",
            f"mean absolute error, {data.labels[0]}",
        )
        best_name = min(errors.keys() - {"this model"}, key=lambda name: float(errors[name].mean()))
        shown = np.linspace(0, len(data.origins) - 1, SHOWN).round().astype(int)
        curves = {"actual": data.y_test, "this model": forecasts["this model"], best_name: forecasts[best_name]}
        series_plots.forecasts(
            folder / "forecast.png",
            f"{title}: test windows",
            data.x_test[shown, :, 0],
            {name: values[shown, :, 0] for name, values in curves.items()},
            [data.origins[index] for index in shown],
            data.labels[0],
            data.times,
            "step" if data.times is None else str((data.preparation or {})["time"]),
        )
