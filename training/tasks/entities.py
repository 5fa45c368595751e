"""The task of predicting numbers from categories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from ..figures.word_similarity import neighbours
from ..pictures import vectors as vector_plots
from ..pictures.names import file_names
from .base import Yardsticks
from .regression import Regression, rmse

NEIGHBOURS = 5
MOST_DIMS = 50  # length of a suggested vector, as in the rule of thumb of fast.ai
MOST_POINTS = 200  # largest number of categories in a picture
MOST_ROWS = 12  # largest number of categories in a table of neighbours
# Years with El Niño. Their neighbours are shown.
SHOWN = ("1957", "1965", "1972", "1973", "1982", "1983", "1987", "1991", "1997", "1998")


class Entities(Regression):
    """The task `regress_entities`: predicts numbers from categories."""

    targets = "numbers for categories"

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return Regression.accepts(dataset) and len(dataset.texts) == dataset.x_train.shape[1]

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {"categories": tuple(each.size for each in self.dataset.texts.values())}

    def suggestions(self) -> dict[str, Any]:
        """Returns the lengths of the vectors: half the number of categories of a field, but at most 50."""
        return {"dims": tuple(min(MOST_DIMS, (len(each.names) + 1) // 2) for each in self.dataset.texts.values())}

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns the metrics of `Regression.evaluate`, with other baselines.

        `linear_rmse`: RMSE of a linear regression on the one-hot categories of all fields. `<field>_rmse`: RMSE of a
        linear regression on the categories of one field, which predicts the mean target of each category.
        """
        x, targets = self.dataset.x_test, self.dataset.y_test
        return super().evaluate(model) | {
            f"{field}_rmse": rmse(targets, self._sum("field", x, [column]))
            for column, field in enumerate(self.dataset.texts)
        }

    def fit_yardsticks(self) -> Yardsticks:
        fields = range(len(self.dataset.texts))
        found = {"mean": self.training.y.mean(axis=0)} | self._one_hot("linear", list(fields))
        for column, tokens in enumerate(self.dataset.texts.values()):
            found |= self._one_hot("field", [column])
            found[f"counts_{column}"] = np.bincount(self.training.x[:, column], minlength=tokens.size)
        return found

    def _one_hot(self, name: str, columns: list[int]) -> dict[str, NDArray[np.float64]]:
        """Fits a linear regression on one-hot categories. Returns what each id adds to the prediction, by column."""
        from sklearn.linear_model import LinearRegression
        from sklearn.preprocessing import OneHotEncoder

        x, y = self.training
        encoder = OneHotEncoder(handle_unknown="ignore").fit(x[:, columns])
        linear = LinearRegression().fit(encoder.transform(x[:, columns]), y)
        ends = np.cumsum([len(ids) for ids in encoder.categories_])
        sizes, found = [each.size for each in self.dataset.texts.values()], {}
        for column, ids, part in zip(columns, encoder.categories_, np.split(linear.coef_.T, ends[:-1]), strict=True):
            table = np.zeros((sizes[column], y.shape[1]))  # an unknown category adds nothing
            table[ids] = part
            found[f"{name}_{column}"] = table + linear.intercept_ / len(columns)
        return found

    def _linear(self, x: NDArray[Any]) -> NDArray[Any]:
        return self._sum("linear", x, list(range(x.shape[1])))

    def _sum(self, name: str, x: NDArray[Any], columns: list[int]) -> NDArray[Any]:
        return np.asarray(sum(self.yardsticks[f"{name}_{column}"][x[:, column]] for column in columns))

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        """Draws the pictures of `Regression.draw_examples`, and two pictures for each field.

        One picture shows the vectors of all categories along their first two principal components. The other is a table
        with the nearest neighbours of some categories.
        """
        super().draw_examples(folder, model)
        fields = list(self.dataset.texts)
        files = file_names([*self.dataset.labels, *fields])[len(self.dataset.labels) :]
        for number, (field, file) in enumerate(zip(fields, files, strict=True), 1):
            title, names = f"{model.name}, {self.dataset.name}: {field}", self.dataset.texts[field].names
            vectors = _vectors(model, number)[2:]  # without the vectors of padding and unknown categories
            counts = self.yardsticks[f"counts_{number - 1}"][2:]
            frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST_POINTS])
            points = _plane(vectors[frequent])
            drawn = [names[index] for index in frequent]
            vector_plots.named_points(folder / f"{file}.png", title, points, drawn, "principal components")
            some = [names.index(name) for name in SHOWN if name in names and self.dataset.preparation is None]
            queries = np.array((some or list(frequent))[:MOST_ROWS])
            rows = [
                [(names[index], float(cosine)) for index, cosine in zip(*row, strict=True)]
                for row in zip(*neighbours(vectors, queries, min(NEIGHBOURS, len(names) - 1)), strict=True)
            ]
            headings = [names[index] for index in queries]
            vector_plots.neighbour_table(folder / f"{file}_neighbours.png", f"{title}, nearest", headings, rows)

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        return {}


def _vectors(model: keras.Model, number: int) -> NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(model.get_layer(f"field_{number}").embeddings), np.float32)


def _plane(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the coordinates `(n, 2)` of vectors `(n, dim)` along their first two principal components.

    If `dim` is 1, the second coordinate is 0.
    """
    from sklearn.decomposition import PCA

    if len(vectors) < 2:
        return np.zeros((len(vectors), 2), np.float32)
    points = PCA(min(2, vectors.shape[1])).fit_transform(vectors)
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
