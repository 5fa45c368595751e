"""The task of classifying examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..data.batches import Batches
from ..data.dataset import Dataset
from ..figures import best_inputs, gradients_over_depth, metrics
from ..pictures import answers as answer_plots
from ..pictures import plots
from .base import Task, Yardsticks, outputs_of

MISTAKES = 10
MOST_CLASSES = 50  # largest confusion matrix
POINTS = 1_000
LEAST_UNITS = 16  # a dense first layer with fewer units is not drawn
LINEAR_EXAMPLES = 10_000  # largest number of training examples for the linear baseline
MOVES = range(1, 9)  # pixels


class Classification(Task):
    """The task `classify`: predicts the class of each example."""

    targets = "one class for each example"

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return dataset.y_train.ndim == 1

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {"classes": len(self.dataset.labels)}

    def loss(self) -> dict[str, Any]:
        return {"loss": keras.losses.SparseCategoricalCrossentropy()}

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        if self.change is None or self.dataset.stream is not None:
            return super().batches(model, batch_size, seed)
        return {"x": Batches(*self.training, batch_size, seed, self.pair)}

    def pair(self, x: Any, y: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        return (x if self.change is None else self.change(x, rng)), y

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns the metrics on the test examples.

        `accuracy`; `balanced_accuracy`, the share of correct examples of a class, averaged over the classes;
        `cross_entropy` in nats; and `majority_accuracy`, the accuracy of always predicting the class that is most
        frequent in the training examples. The balanced accuracy of that prediction is `majority_balanced_accuracy`.
        """
        labels, probabilities = self.dataset.y_test, outputs_of(model, self.dataset.x_test)
        majority = np.full(len(labels), self.yardsticks["class_counts"].argmax())
        return {
            "accuracy": metrics.accuracy(labels, probabilities),
            "balanced_accuracy": metrics.balanced_accuracy(labels, probabilities.argmax(axis=1)),
            "cross_entropy": metrics.cross_entropy(labels, probabilities),
            "majority_accuracy": float((labels == majority).mean()),
            "majority_balanced_accuracy": metrics.balanced_accuracy(labels, majority),
        }

    def fit_yardsticks(self) -> Yardsticks:
        return {"class_counts": np.bincount(self.training.y, minlength=len(self.dataset.labels))}

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        data, title = self.dataset, f"{model.name}, {self.dataset.name}"
        probabilities = outputs_of(model, data.x_test)
        predicted = probabilities.argmax(axis=1)
        if len(data.labels) <= MOST_CLASSES:
            counts = metrics.confusion(data.y_test, predicted, len(data.labels))
            answer_plots.confusion_matrix(folder / "confusion.png", f"{title}: test examples", counts, data.labels)
        if data.x_test.ndim != 4:
            return
        wrong = np.flatnonzero(predicted != data.y_test)
        shown = wrong[np.argsort(-probabilities.max(axis=1)[wrong], kind="stable")][:MISTAKES]
        if len(shown):
            words = [f"{data.labels[data.y_test[i]]}:\n{data.labels[predicted[i]]}?" for i in shown]
            answer_plots.labelled_images(
                folder / "mistakes.png", f"{title}: mistakes with the highest probability", data.x_test[shown], words
            )
        self._draw_features(folder, title, model)

    def _draw_features(self, folder: Path, title: str, model: keras.Model) -> None:
        """Draws the kernels of the first layer, the best inputs of a deeper layer, feature maps, and features."""
        data = self.dataset
        units = _first_kernels(model, data.shape)
        if units is not None:
            plots.hidden_units(folder / "hidden_units.png", f"{title}: what each unit looks for", units)
        deeper = best_inputs.of_deeper_units(model, data.x_test)
        if deeper is not None:
            layer, inputs = deeper
            words = f"{title}: what each unit of the layer {layer} looks for"
            plots.hidden_units(folder / "deeper_units.png", words, inputs)
        convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
        if convolutions:
            shown = convolutions[:: max(1, len(convolutions) // 3)][:3]
            outputs = keras.Model(model.inputs, [layer.output for layer in shown]).predict(data.x_test[:1], verbose=0)
            arrays = outputs if isinstance(outputs, list) else [outputs]
            maps = [(layer.name, np.maximum(each[0], 0)) for layer, each in zip(shown, arrays, strict=True)]
            answer_plots.feature_maps(folder / "feature_maps.png", f"{title}: feature maps", data.x_test[0], maps)
        some = np.random.default_rng(0).permutation(len(data.x_test))[:POINTS]
        features = keras.Model(model.inputs, model.get_layer("embedding").output)
        points = plots.two_dimensions(outputs_of(features, data.x_test[some]))
        plots.codes_2d(
            folder / "features.png",
            f"{title}: features of test images",
            points,
            data.y_test[some],
            "t-SNE",
            data.labels,
        )

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        """Returns further metrics.

        `linear_accuracy`: test accuracy of a logistic regression that is trained on at most 10,000 training examples.
        `moved_1` to `moved_8`, for images: accuracy on test images that are moved by this number of pixels, averaged
        over the four directions.
        `gradient_norms`: see `figures.gradients_over_depth`.
        """
        report("    a linear classifier")
        figures: dict[str, Any] = {"linear_accuracy": self._linear_accuracy()}
        if self.dataset.x_test.ndim == 4:
            report("    moved images")
            figures |= {f"moved_{pixels}": self._accuracy_of_moved(model, pixels) for pixels in MOVES}
        return figures | gradients_over_depth.gradient_norms(model, self.training)

    def _linear_accuracy(self) -> float:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        x, y = (part[:LINEAR_EXAMPLES] for part in self.training)
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000, tol=1e-3))
        linear.fit(x.reshape(len(x), -1), y)
        return float(linear.score(self.dataset.x_test.reshape(len(self.dataset.x_test), -1), self.dataset.y_test))

    def _accuracy_of_moved(self, model: keras.Model, pixels: int) -> float:
        accuracies = []
        for axis in (1, 2):
            for direction in (-pixels, pixels):
                images = moved(self.dataset.x_test, direction, axis)
                accuracies.append(metrics.accuracy(self.dataset.y_test, outputs_of(model, images)))
        return float(np.mean(accuracies))


def moved(images: NDArray[np.float32], pixels: int, axis: int) -> NDArray[np.float32]:
    """Moves images `(n, height, width, channels)` down (axis 1) or right (axis 2). New pixels are 0.

    A negative number of pixels moves the images up or left.
    """
    rolled = np.roll(images, pixels, axis)
    empty = np.s_[:pixels] if pixels >= 0 else np.s_[pixels:]
    rolled[(slice(None),) * axis + (empty,)] = 0
    return rolled


def _first_kernels(model: keras.Model, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """Returns the kernels of the first layer with weights as images (units, height, width, channels).

    Returns None if the layer is dense and has fewer than `LEAST_UNITS` units.
    """
    kernel: Any = next(layer.kernel for layer in model.layers if hasattr(layer, "kernel"))
    array = np.asarray(keras.ops.convert_to_numpy(kernel))
    if array.ndim == 2:  # dense: (values, units)
        return array.T.reshape(-1, *shape) if array.shape[1] >= LEAST_UNITS else None
    return array.transpose(3, 0, 1, 2)  # convolution: (height, width, channels, filters)
