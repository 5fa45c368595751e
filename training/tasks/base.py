"""The base class of all tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.normalization import adapt
from ..best_weights import BestWeights
from ..data.augmentation import image_changes
from ..data.batches import ImageChange
from ..data.chunks import predict
from ..data.dataset import Dataset, hold_out
from ..errors import BadData
from ..pictures import plots
from ..recipe import Recipe
from ..word_tables import Vectors, WordTable, read_vectors

Yardsticks = Mapping[str, NDArray[Any]]


class Task(ABC):
    """The data, loss, metrics and pictures that `train` needs to train, evaluate and draw a model.

    Args:
        recipe: the recipe.
        dataset: the dataset. Its test examples are used only for metrics and pictures.
        seed: seed of the validation split.

    Attributes:
        training: the training examples, without the validation split.
        held_out: the examples of the validation split. The loss on these examples determines the best epoch.

    Raises:
        BadData: the task cannot use the dataset.
    """

    targets: ClassVar[str]  # describes the targets that `accepts` requires, for the error message
    word_table: ClassVar[WordTable | None] = None  # the vectors of words that can start with pre-trained vectors

    def __init__(self, recipe: Recipe, dataset: Dataset, seed: int) -> None:
        if not self.accepts(dataset):
            raise BadData(
                f"The task {recipe.task} needs a dataset with {self.targets}. "
                f"Received: {dataset.name}, with targets {dataset.y_train.dtype} {dataset.y_train.shape}."
            )
        self.recipe = recipe
        self.dataset = dataset
        self.training, self.held_out = hold_out(dataset, seed)

    @staticmethod
    @abstractmethod
    def accepts(dataset: Dataset) -> bool:
        """Returns whether the task can use the dataset."""

    def hyperparameters(self) -> dict[str, Any]:
        """Returns the hyperparameters that depend on the dataset. Hyperparameters that the model lacks are ignored."""
        shape = self.dataset.shape
        return {"image_shape": shape, "input_shape": shape, "features": shape[-1]}

    def suggestions(self) -> dict[str, Any]:
        """Returns hyperparameters for data of the user's own, in place of hyperparameters in the recipe."""
        return {}

    def prepare(self, model: keras.Model) -> None:
        """Fits the normalisation layers of the model to the training examples."""
        adapt(model, self.training.x)

    @cached_property
    def vectors(self) -> Vectors | None:
        """The pre-trained vectors that the recipe names, or None if it names none.

        Raises:
            GalleryError: the vectors cannot be read, or no word has one.
        """
        if self.recipe.vectors == "":
            return None
        if self.word_table is None or self.word_table.role not in self.dataset.texts:
            raise BadData(f"The dataset {self.dataset.name} has no words that could start with vectors.")
        return read_vectors(self.recipe.vectors, self.dataset.texts[self.word_table.role].names)

    def of_vectors(self) -> dict[str, Any]:
        """Returns the hyperparameters that depend on the pre-trained vectors."""
        return {} if self.vectors is None or self.word_table is None else {self.word_table.length: self.vectors.dim}

    def load_vectors(self, model: keras.Model) -> None:
        """Sets the pre-trained vectors in a new model, and freezes the vectors of all words if the recipe says so."""
        if self.vectors is not None and self.word_table is not None:
            layer = self.word_table.of(model)
            self.vectors.load(layer)
            layer.trainable = not self.recipe.freeze_vectors

    @abstractmethod
    def loss(self) -> dict[str, Any]:
        """Returns the arguments of `Model.compile` for the loss."""

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        """Returns the arguments of `Model.fit` for the training data."""
        if self.dataset.stream is not None:
            return {"x": self.dataset.stream.batches(batch_size, seed, self.pair)}
        return {"x": self.training.x, "y": self.training.y, "batch_size": batch_size}

    @cached_property
    def change(self) -> ImageChange | None:
        """The random changes of the training images that the recipe names, or None if it names none."""
        return image_changes(self.recipe)

    def pair(self, x: Any, y: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        """Returns the inputs and targets of a batch of examples from a stream. `rng` makes the random changes."""
        return x, y

    @property
    def examples(self) -> int:
        """Number of training examples, without the validation split."""
        return len(self.training.x) if self.dataset.stream is None else len(self.dataset.stream)

    @property
    def labels(self) -> NDArray[Any]:
        """The targets of all training examples, without the validation split."""
        return self.training.y if self.dataset.stream is None else self.dataset.stream.targets

    def callbacks(self, model: keras.Model) -> list[keras.callbacks.Callback]:
        """Returns additional callbacks for the training."""
        return []

    def validation(self, model: keras.Model) -> tuple[Any, Any]:
        """Returns inputs and targets of the validation split."""
        return self.held_out.x, self.held_out.y

    @abstractmethod
    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns the metrics of a trained model on the test examples. This takes seconds."""

    @cached_property
    def yardsticks(self) -> Yardsticks:
        """The parameters of the simple methods that the model is compared with, such as the training mean.

        They are fitted to the training examples. If a saved run is evaluated, the parameters in the run replace them.
        """
        return self.fit_yardsticks()

    def fit_yardsticks(self) -> Yardsticks:
        """Returns the parameters of the simple methods, fitted to the training examples."""
        return {}

    def saved_yardsticks(self, model: keras.Model) -> Yardsticks:
        """Returns the arrays that are saved with the run, so that it can be evaluated without its training data."""
        return self.yardsticks

    def scores(self, model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Returns how unusual each example is, `(n,)`, as the signature `score`; None if the model has no score."""
        return None

    def draw(self, folder: Path, model: keras.Model, best: BestWeights) -> None:
        """Draws the learning curve and the predictions of a trained model into an existing folder."""
        title = f"{model.name}, {self.dataset.name}"
        plots.learning_curve(folder / "learning_curve.png", title, best.history, best.epoch)
        self.draw_examples(folder, model)

    @abstractmethod
    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        """Draws the predictions of a trained model for the test examples into an existing folder."""

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        """Returns further metrics of a trained model. This takes minutes. `report` is called with progress messages."""
        return {}


def outputs_of(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the output of a model with a single output."""
    return predict(model, x)
