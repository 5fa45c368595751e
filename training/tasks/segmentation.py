"""The task of semantic segmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..data.dataset import Dataset
from ..figures import metrics
from ..pictures import answers as answer_plots
from .base import Task, Yardsticks, outputs_of

SHOWN = 8
FOREGROUND_WEIGHT = 10.0  # loss weight of foreground pixels, which are few


class Segmentation(Task):
    """The task `segment`: predicts the class of each pixel. The last class is the background."""

    targets = "a class for each pixel"

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return dataset.y_train.ndim == 3 and dataset.y_train.dtype.kind == "i"

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {"classes": len(self.dataset.labels)}

    def loss(self) -> dict[str, Any]:
        return {"loss": keras.losses.SparseCategoricalCrossentropy()}

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        is_foreground = self.training.y < len(self.dataset.labels) - 1
        weights = np.where(is_foreground, FOREGROUND_WEIGHT, 1.0).astype(np.float32)
        return super().batches(model, batch_size, seed) | {"sample_weight": weights}

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns `pixel_accuracy`, `majority_accuracy`, and two metrics that leave out the background.

        `majority_accuracy` is the accuracy of predicting the most frequent class of the training pixels for each pixel.

        `mean_iou` is the intersection over union of a class, averaged over the classes. `foreground_iou` is the
        intersection over union of all classes together.
        """
        background = len(self.dataset.labels) - 1
        labels, predicted = self.dataset.y_test, outputs_of(model, self.dataset.x_test).argmax(axis=-1)
        counts = metrics.confusion(labels, predicted, background + 1)
        foreground = metrics.confusion((labels == background) * 1, (predicted == background) * 1, 2)
        return {
            "pixel_accuracy": float((labels == predicted).mean()),
            "majority_accuracy": float((labels == self.yardsticks["class_counts"].argmax()).mean()),
            "mean_iou": float(np.nanmean(metrics.class_ious(counts)[:background])),
            "foreground_iou": float(metrics.class_ious(foreground)[0]),
        }

    def fit_yardsticks(self) -> Yardsticks:
        return {"class_counts": np.bincount(self.training.y.ravel(), minlength=len(self.dataset.labels))}

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        title = f"{model.name}, {self.dataset.name}"
        images, labels = self.dataset.x_test[:SHOWN], self.dataset.y_test[:SHOWN]
        masks = {"true": labels, "predicted": outputs_of(model, images).argmax(axis=-1)}
        answer_plots.mask_rows(folder / "masks.png", f"{title}: test images", images, masks, self.dataset.labels)
