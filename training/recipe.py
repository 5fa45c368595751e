"""Recipes: how each model of the gallery is trained. One file a model in `recipes/`, each with a `RECIPE`."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..models.registry import describe


@dataclass(frozen=True)
class Recipe:
    """A model's training.

    Attributes:
        task: what the model is judged by: `reconstruct` or `denoise`.
        dataset: the source's name.
        loss: the sum over an image's values of the squared error or the cross-entropy.
        optimizer: a Keras optimizer's name.
        learning_rate: at the start.
        schedule: `cosine` falls to 0 over the training; `constant` does not.
        epochs: passes over the training images.
        batch_size: images a step.
        expected: figures on the test images: mean and standard deviation of the seeds 0, 1 and 2.
        seconds: mean time that `command` took, from start to end, on 2 CPU cores that had other work too.
        command: trains it so; `--seed` sets another seed than 0.
    """

    task: Literal["reconstruct", "denoise"]
    dataset: str
    loss: Literal["squared_error", "binary_crossentropy"]
    optimizer: Literal["adam", "sgd"]
    learning_rate: float
    schedule: Literal["constant", "cosine"]
    epochs: int
    batch_size: int
    expected: Mapping[str, tuple[float, float]]
    seconds: float
    command: str


def load_recipe(model: str) -> Recipe:
    """The recipe of a model.

    Raises:
        UnknownModel: there is no architecture of that name.
    """
    describe(model)
    recipe: Recipe = importlib.import_module(f"..recipes.{model}", __name__).RECIPE
    return recipe
