"""The task of detecting objects in images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.grid import Objects, decode, encode
from ...models.losses import BoxDistance, CellCrossentropy
from ..data.dataset import Dataset, Examples
from ..figures import metrics
from ..pictures import answers as answer_plots
from .base import Task

SHOWN = 10
BOX_WEIGHT = 5.0  # λ, the weight of the box loss, as in YOLO


class Detection(Task):
    """The task `detect`: predicts the class and the box of each object."""

    targets = "objects (class, top, left, bottom, right)"

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return dataset.y_train.ndim == 3 and dataset.y_train.dtype.kind == "f" and dataset.y_train.shape[2] == 5

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {"classes": len(self.dataset.labels)}

    def loss(self) -> dict[str, Any]:
        return {
            "loss": {"cell_probabilities": CellCrossentropy(), "cell_boxes": BoxDistance()},
            "loss_weights": {"cell_probabilities": 1.0, "cell_boxes": BOX_WEIGHT},
        }

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        x, y = self._encoded(model, self.training)
        return {"x": x, "y": y, "batch_size": batch_size}

    def validation(self, model: keras.Model) -> tuple[Any, Any]:
        return self._encoded(model, self.held_out)

    def _encoded(self, model: keras.Model, examples: Examples) -> tuple[NDArray[np.float32], dict[str, Any]]:
        rows, columns = grid_of(model)
        encoded = [
            encode(each.boxes, each.labels, rows, columns, len(self.dataset.labels)) for each in objects_of(examples.y)
        ]
        cells, boxes = zip(*encoded, strict=True)
        return examples.x, {"cell_probabilities": np.stack(cells), "cell_boxes": np.stack(boxes)}

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns `box_iou`, `precision`, `recall` and `map50` (see `metrics.detection`)."""
        detected = _detected(model, self.dataset.x_test)
        return metrics.detection(objects_of(self.dataset.y_test), detected, len(self.dataset.labels))

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        title, labels = f"{model.name}, {self.dataset.name}", self.dataset.labels
        images = self.dataset.x_test[:SHOWN]
        words = [
            [
                (f"{labels[label]} {score:.0%}", box)
                for label, score, box in zip(each.labels, each.scores, each.boxes, strict=True)
            ]
            for each in _detected(model, images)
        ]
        answer_plots.boxes(folder / "boxes.png", f"{title}: test images", images, words)


def grid_of(model: keras.Model) -> tuple[int, int]:
    """Returns the numbers of rows and columns of a detector's grid. The cells of the grid are square."""
    height, width = model.input_shape[1:3]
    cells = model.get_layer("cell_boxes").output.shape[1]
    side = math.isqrt(height * width // cells)  # side of a cell in pixels
    return height // side, width // side


def objects_of(targets: NDArray[np.float32]) -> list[Objects]:
    """Returns the objects of each image from a dataset's targets `(n, objects, 5)`. Unused rows are left out."""
    return [
        Objects(rows[:, 1:], rows[:, 0].astype(np.int32), np.ones(len(rows), np.float32))
        for rows in (each[each[:, 0] >= 0] for each in targets)
    ]


def _detected(model: keras.Model, images: NDArray[np.float32]) -> list[Objects]:
    outputs = model.predict(images, batch_size=256, verbose=0)
    return [decode(*pair) for pair in zip(outputs["cell_probabilities"], outputs["cell_boxes"], strict=True)]
