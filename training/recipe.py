"""Recipes: how each model of the gallery is trained. One file a model in `recipes/`, each with its `RECIPES`."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..models.errors import unknown_name
from ..models.registry import describe
from .errors import UnknownRecipe


@dataclass(frozen=True)
class Target:
    """A published figure to reach.

    Attributes:
        figure: its name in a run's figures.
        value: what was published.
        at_least: whether more is better, not less.
        source: where.
    """

    figure: str
    value: float
    source: str
    at_least: bool = False

    def missed_by(self, figure: float) -> float:
        """How far `figure` is from the target, 0 where it is met."""
        return max(0.0, self.value - figure if self.at_least else figure - self.value)


@dataclass(frozen=True)
class Recipe:
    """A model's training.

    Attributes:
        task: what the model learns and is judged by. `reconstruct` and `generate`: the image from itself.
            `denoise`: from a noisy one; the noise is a layer of the model. `colorize`: from the grey one. `classify`,
            `regress`, `segment`, `detect`: what the dataset tells of each example; `regress_entities` of one that is
            categories alone. `classify_text`: the class of a text. `forecast`: the next steps of a sequence.
            `translate`: a text for a text; `caption`: one for an image. `word_vectors`: which words stand near each
            other.
        dataset: the source's name.
        loss: the sum over an example's values of the squared error or the cross-entropy; of classes
            `crossentropy`, the mean over an image's pixels or a text's tokens where each has one, and for `detect` the
            boxes' distance with it. For `forecast` the squared error is a share of the series' variance.
        learning_rate: at the start, after the warm-up.
        epochs: passes over the training examples.
        batch_size: examples a step; more than there are for plain gradient descent.
        hyperparameters: the builder's keywords, where they are not its defaults.
        optimizer: `adam`, `adamw` (weight decay 0.05), `sgd` (momentum 0.9) or `gradient_descent`: θ ← θ − η∇θ.
        schedule: `cosine` falls to 0 over the training; `constant` does not.
        warmup: share of the training over which the learning rate rises from 0. Only with `cosine`.
        binarize: whether each epoch sees each image binarised anew: 1 with its value as the probability.
        shift: whether the images of a step are all moved by up to a pixel, another way each time.
        clipnorm: the greatest norm of a step's whole gradient, which is scaled down to it; 0 for any.
        mirror: whether each image is mirrored at even chance each time it is seen, and moved by up to two pixels.
        xla: whether steps are compiled by XLA on TensorFlow; it pays for dense layers, not for convolutions.
        targets: published figures to reach.
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
    """The recipes of a model by name, the one for everyday use first.

    Raises:
        UnknownModel: there is no architecture of that name.
    """
    describe(model)
    recipes: dict[str, Recipe] = importlib.import_module(f"..recipes.{model}", __name__).RECIPES
    return recipes


def load_recipe(model: str, name: str | None = None) -> Recipe:
    """A recipe of a model, its first by default.

    Raises:
        UnknownModel: there is no architecture of that name.
        UnknownRecipe: it has no recipe of that name.
    """
    recipes = load_recipes(model)
    if name is None:
        name = next(iter(recipes))
    if name not in recipes:
        raise UnknownRecipe(unknown_name(f"recipe of {model}", name, list(recipes)))
    return recipes[name]
