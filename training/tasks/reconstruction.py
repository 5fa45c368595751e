"""The tasks of autoencoders: reconstructing, denoising, colouring and generating images."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.losses import BinaryCrossentropy, SquaredError
from ..best_weights import BestWeights
from ..data.batches import Batches
from ..data.chunks import chunks
from ..data.dataset import Dataset
from ..figures import evaluate
from ..figures import slow as figures
from ..figures.colour import MeanColours, to_grey
from ..figures.pca import Components
from ..full_pass import FullPass, sparsity_of
from ..pictures import draw as pictures
from .base import Task, Yardsticks

LOSSES = {"squared_error": SquaredError, "binary_crossentropy": BinaryCrossentropy}


class Reconstruction(Task):
    """The tasks `reconstruct`, `generate`, `denoise` and `colorize`: predicts an image.

    The input is the target image, or for `colorize` the target image in grey. For `denoise`, a layer of the model adds
    noise to the input during training.
    """

    targets = "images"

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return dataset.x_train.ndim == 4

    @cached_property
    def pca(self) -> Components | None:
        """The principal components of the training images; None for `colorize`."""
        if self.recipe.task == "colorize":
            return None
        return Components.of(self.yardsticks["pca_mean"], self.yardsticks["pca_axes"])

    def fit_yardsticks(self) -> Yardsticks:
        if self.recipe.task == "colorize":
            return {"mean_colours": MeanColours(self.dataset.x_train).table}
        pca = Components(self.training.x)
        return {"pca_mean": pca.mean, "pca_axes": pca.axes}

    def saved_yardsticks(self, model: keras.Model) -> Yardsticks:
        """Returns the mean colours, or the components that PCA needs for the same code size, and the test scores."""
        if self.pca is None:
            return self.yardsticks
        scores = self.scores(model, self.dataset.x_test)
        axes = self.pca.axes[: evaluate.code_size(model)]
        return {"pca_mean": self.pca.mean, "pca_axes": axes, "test_scores": np.asarray(scores)}

    def scores(self, model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Returns the squared error Σ_j (x̂_j − x_j)² of each image, as the exported signature `score`."""
        if self.recipe.task == "colorize":
            return None
        outputs, axes = evaluate.reconstruct(model, x), tuple(range(1, x.ndim))
        return np.concatenate([np.square(outputs[some] - x[some]).sum(axis=axes) for some in chunks(x)])

    def loss(self) -> dict[str, Any]:
        return {"loss": LOSSES[self.recipe.loss]()}

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        if self.dataset.stream is not None:
            return super().batches(model, batch_size, seed)
        images = self.training.x
        if self.change is not None:
            return {"x": Batches(images, images, batch_size, seed, self.pair)}
        return {
            "x": to_grey(images) if self.recipe.task == "colorize" else images,
            "y": images,
            "batch_size": batch_size,
        }

    def pair(self, x: Any, y: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        target = x if self.change is None else self.change(x, rng)
        return (to_grey(target) if self.recipe.task == "colorize" else target), target

    def callbacks(self, model: keras.Model) -> list[keras.callbacks.Callback]:
        return [FullPass(self.training.x)] if sparsity_of(model) else []

    def validation(self, model: keras.Model) -> tuple[Any, Any]:
        inputs, targets = evaluate.pairs(model, self.recipe, self.held_out.x)
        if self.recipe.task != "denoise" and evaluate.corruption_of(model):
            inputs = evaluate.add_noise(model, inputs)  # the validation loss is then the loss of the training
        return inputs, targets

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        colours = MeanColours.of(self.yardsticks["mean_colours"]) if self.pca is None else None
        return evaluate.evaluate(model, self.dataset, self.recipe, self.pca, colours) | {
            "code_dim": evaluate.code_size(model)
        }

    def draw(self, folder: Path, model: keras.Model, best: BestWeights) -> None:
        pictures.draw_learning_curve(folder, model, self.dataset, self.recipe, best, self.held_out.x, self.pca)
        self.draw_examples(folder, model)

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        pictures.draw(folder, model, self.dataset, self.recipe)

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        if self.pca is None:
            return {}
        return figures.measure(model, self.dataset, self.recipe, self.pca, report)
