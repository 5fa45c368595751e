"""Recipes: the training settings of each model. `recipes/<model>.py` defines the recipes of a model as `RECIPES`."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..models.errors import unknown_name
from ..models.registry import describe
from .errors import UnknownRecipe


@dataclass(frozen=True)
class Target:
    """A published result that the recipe should reach.

    Attributes:
        figure: name of the figure in the metrics of a run.
        value: the published value.
        source: the publication.
        at_least: whether higher values are better; if not, lower values are.
    """

    figure: str
    value: float
    source: str
    at_least: bool = False

    def missed_by(self, figure: float) -> float:
        """Returns by how much `figure` misses the target; 0 if it reaches the target."""
        return max(0.0, self.value - figure if self.at_least else figure - self.value)


@dataclass(frozen=True)
class Recipe:
    """The settings of a training.

    Attributes:
        task: what the model learns. Of an image: `reconstruct` (to return the image itself), `denoise` (the clean
            image for a noisy one; a layer of the model adds the noise), `colorize` (the colour image for the grey
            one), `generate` (as `reconstruct`, for a generative model), `segment` (a class for each pixel), `detect`
            (objects with boxes), `caption` (a text). Of an example of any kind: `classify` (a class), `regress`
            (numbers). Of categories: `regress_entities` (numbers). Of a text: `classify_text` (a class), `translate`
            (another text), `word_vectors` (which words occur near each other). Of a time series: `forecast` (the next
            steps).
        dataset: name of the dataset.
        loss: `squared_error` or `binary_crossentropy`, summed over the values of an example; or `crossentropy` of
            classes. With a class for each pixel or token, `crossentropy` is the mean over them; for `detect` the
            distance of the boxes is added to it. For `forecast` the squared error is divided by the variance of the
            series.
        learning_rate: initial learning rate, after the warm-up.
        epochs: number of passes over the training examples.
        batch_size: number of examples in a step. Larger than the training set for plain gradient descent.
        hyperparameters: the model's hyperparameters that differ from its defaults.
        optimizer: `adam`, `adamw` (weight decay 0.05), `sgd` (momentum 0.9) or `gradient_descent`: θ ← θ − η∇θ.
        schedule: `cosine` to decay the learning rate to 0 over the training, or `constant`.
        warmup: fraction of the training over which the learning rate rises from 0. Only with `cosine`.
        binarize: whether the images are binarised at random in each epoch: a value is the probability of 1.
        shift: whether all images of a step are moved by up to one pixel, in a random direction for each step.
        mirror: whether each image is mirrored with probability 1/2 and moved by up to two pixels, at random in each
            epoch.
        clipnorm: largest norm of the gradient of all weights; a larger gradient is scaled down. 0 for no limit.
        xla: whether to compile steps with XLA on TensorFlow. This is faster for dense layers, slower for convolutions.
        targets: published results to reach.
    """

    task: Literal[
        "reconstruct",
        "denoise",
        "colorize",
        "generate",
        "classify",
        "classify_text",
        "regress",
        "regress_entities",
        "segment",
        "detect",
        "forecast",
        "translate",
        "caption",
        "word_vectors",
    ]
    dataset: str
    loss: Literal["squared_error", "binary_crossentropy", "crossentropy"]
    learning_rate: float
    epochs: int
    batch_size: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Literal["adam", "adamw", "sgd", "gradient_descent"] = "adam"
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup: float = 0.0
    binarize: bool = False
    shift: bool = False
    mirror: bool = False
    clipnorm: float = 0.0
    xla: bool = True
    targets: tuple[Target, ...] = ()


def load_recipes(model: str) -> dict[str, Recipe]:
    """Returns the recipes of a model by name. The first one is the default.

    Raises:
        UnknownModel: no model has this name.
    """
    describe(model)
    recipes: dict[str, Recipe] = importlib.import_module(f"..recipes.{model}", __name__).RECIPES
    return recipes


def load_recipe(model: str, name: str | None = None) -> Recipe:
    """Returns a recipe of a model, by default the first.

    Raises:
        UnknownModel: no model has this name.
        UnknownRecipe: the model has no recipe of this name.
    """
    recipes = load_recipes(model)
    if name is None:
        name = next(iter(recipes))
    if name not in recipes:
        raise UnknownRecipe(unknown_name(f"recipe of {model}", name, list(recipes)))
    return recipes[name]
