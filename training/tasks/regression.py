"""The task of predicting numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.losses import SquaredError
from ...models.normalization import adapt
from ..data.dataset import Dataset
from ..figures import gradients_over_depth, gradients_over_time, metrics
from ..pictures import answers as answer_plots
from ..pictures.names import file_names
from .base import Task, Yardsticks, outputs_of


class Regression(Task):
    """The task `regress`: predicts one or several numbers for each example."""

    targets = "numbers"

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return dataset.y_train.ndim == 2 and dataset.y_train.dtype.kind == "f"

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {"outputs": self.dataset.y_train.shape[1]}

    def prepare(self, model: keras.Model) -> None:
        adapt(model, self.training.x, self.training.y)

    def loss(self) -> dict[str, Any]:
        return {"loss": SquaredError()}

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns `rmse`, `mae` and `r2` on the test examples, and the RMSE of two baselines.

        `linear_rmse` is the RMSE of a linear regression. `mean_rmse` is the RMSE of predicting the mean of the training
        targets. For a series, `naive_rmse` is the RMSE of repeating the last value.
        """
        targets, predicted = self.dataset.y_test, outputs_of(model, self.dataset.x_test)
        figures = {
            "rmse": rmse(targets, predicted),
            "mae": float(np.abs(targets - predicted).mean()),
            "r2": metrics.r2(targets, predicted),
            "linear_rmse": rmse(targets, self._linear(self.dataset.x_test)),
            "mean_rmse": rmse(targets, self.yardsticks["mean"]),
        }
        if (self.dataset.preparation or {}).get("kind") == "series":
            last = self.dataset.x_test[:, -1]
            figures["naive_rmse"] = rmse(targets, np.tile(last, targets.shape[1] // last.shape[1]))
        return figures

    def fit_yardsticks(self) -> Yardsticks:
        from sklearn.linear_model import LinearRegression

        x, y = self.training
        linear = LinearRegression().fit(x.reshape(len(x), -1), y)
        return {"mean": y.mean(axis=0), "linear": linear.coef_, "linear_intercept": linear.intercept_}

    def _linear(self, x: NDArray[Any]) -> NDArray[Any]:
        """Returns the predictions of the linear regression."""
        linear = self.yardsticks["linear"]
        return np.asarray(x.reshape(len(x), -1) @ linear.T + self.yardsticks["linear_intercept"])

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        title = f"{model.name}, {self.dataset.name}"
        predicted = outputs_of(model, self.dataset.x_test)
        for index, (name, file) in enumerate(zip(self.dataset.labels, file_names(self.dataset.labels), strict=True)):
            targets = self.dataset.y_test[:, index]
            answer_plots.scatter(folder / f"{file}.png", f"{title}: test examples", targets, predicted[:, index], name)

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        return gradients_over_depth.gradient_norms(model, self.training) | gradients_over_time.measure(
            model, self.training, report
        )


def rmse(targets: Any, predicted: Any) -> float:
    """Returns the root mean squared error."""
    return float(np.sqrt(np.mean(np.square(targets - predicted, dtype=np.float64))))
