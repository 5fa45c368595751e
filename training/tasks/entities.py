"""The task of predicting numbers from categories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..best_weights import BestWeights
from ..data.dataset import Dataset
from ..figures.word_similarity import neighbours
from ..pictures import vectors as vector_plots
from ..pictures.names import file_names
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
        figures = super().evaluate(model)
        fields = list(self.dataset.texts)
        figures["linear_rmse"] = self._one_hot_rmse(range(len(fields)))
        return figures | {f"{field}_rmse": self._one_hot_rmse([column]) for column, field in enumerate(fields)}

    def _one_hot_rmse(self, columns: Any) -> float:
        from sklearn.linear_model import LinearRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        x, y = self.training
        linear = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression())
        linear.fit(x[:, columns], y)
        return rmse(self.dataset.y_test, linear.predict(self.dataset.x_test[:, columns]))

    def draw(self, folder: Path, model: keras.Model, best: BestWeights) -> None:
        """Draws the pictures of `Regression.draw`, and two pictures for each field.

        One picture shows the vectors of all categories along their first two principal components. The other is a table
        with the nearest neighbours of some categories.
        """
        super().draw(folder, model, best)
        fields = list(self.dataset.texts)
        files = file_names([*self.dataset.labels, *fields])[len(self.dataset.labels) :]
        for number, (field, file) in enumerate(zip(fields, files, strict=True), 1):
            title, names = f"{model.name}, {self.dataset.name}: {field}", self.dataset.texts[field].names
            vectors = _vectors(model, number)[2:]  # without the vectors of padding and unknown categories
            counts = np.bincount(self.training.x[:, number - 1], minlength=len(names) + 2)[2:]
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
