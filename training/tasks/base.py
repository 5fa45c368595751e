"""What the training asks of every task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.normalization import adapt
from ..best_weights import BestWeights
from ..data.dataset import Dataset, hold_out
from ..errors import BadData
from ..recipe import Recipe


class Task(ABC):
    """A recipe on its data.

    Args:
        recipe: what the model learns by.
        dataset: what it learns from; the test examples are for the figures alone.
        seed: of the choice of examples that are set apart.

    Attributes:
        seen: the examples that it learns from.
        held_out: those that choose the best epoch.

    Raises:
        BadData: the dataset's targets are of another kind.
    """

    targets: ClassVar[str]  # what `fits` expects, in words

    def __init__(self, recipe: Recipe, dataset: Dataset, seed: int) -> None:
        if not self.accepts(dataset):
            raise BadData(
                f"Expected a dataset with {self.targets} to {recipe.task}. "
                f"Received: {dataset.name}, whose targets are {dataset.y_train.dtype} {dataset.y_train.shape}."
            )
        self.recipe = recipe
        self.dataset = dataset
        self.training, self.held_out = hold_out(dataset, seed)

    @staticmethod
    @abstractmethod
    def accepts(dataset: Dataset) -> bool:
        """Whether its targets are of the kind that the task learns."""

    def hyperparameters(self) -> dict[str, Any]:
        """What the data decide of a model; a builder takes those that it has."""
        shape = self.dataset.shape
        return {"image_shape": shape, "input_shape": shape, "features": shape[-1]}

    def prepare(self, model: keras.Model) -> None:
        """Fits what the model is to know of the data before it learns: the features' mean and variance."""
        adapt(model, self.training.x)

    @abstractmethod
    def loss(self) -> dict[str, Any]:
        """What `Model.compile` is told of the loss, as its keywords."""

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        """What `Model.fit` learns from, as its keywords."""
        return {"x": self.training.x, "y": self.training.y, "batch_size": batch_size}

    def callbacks(self, model: keras.Model) -> list[keras.callbacks.Callback]:
        """What else is to happen while it learns."""
        return []

    def validation(self, model: keras.Model) -> tuple[Any, Any]:
        """Inputs and targets of the examples that choose the best epoch."""
        return self.held_out.x, self.held_out.y

    @abstractmethod
    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The figures of a trained model on the test examples, in seconds."""

    @abstractmethod
    def draw(self, folder: Path, model: keras.Model, best: BestWeights) -> None:
        """Draws a trained model, its learning and its answers into a folder that is there."""

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        """The figures that take minutes."""
        return {}


def outputs_of(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The one output of a model for inputs of any number."""
    return np.asarray(model.predict(x, batch_size=256, verbose=0))
