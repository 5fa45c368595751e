"""Defines and loads recipes, the training settings of a model. `recipes/<model>.py` has the recipes of a model."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from ..models.errors import unknown_name
from ..models.hyperparameters import Fraction, NonNegative, Range
from ..models.registry import describe
from .errors import UnknownRecipe

Augmentation = Literal["flip", "shift", "rotate", "crop"]


@dataclass(frozen=True)
class Target:
    """A result, usually published, that the recipe should reach.

    Attributes:
        figure: name of the metric.
        value: the value to reach.
        source: the publication, or another origin of the value.
        at_least: True if higher values are better, False if lower values are better.
    """

    figure: str
    value: float
    source: str
    at_least: bool = False

    def missed_by(self, figure: float) -> float:
        """Returns the difference between the metric's value `figure` and the target; 0 if the target is reached."""
        return max(0.0, self.value - figure if self.at_least else figure - self.value)


OWN_DATA = "own data"  # the dataset of a recipe for data of the user's own


@dataclass(frozen=True)
class Recipe:
    """The settings for training a model on a dataset.

    Attributes:
        task: what the model learns:
            `reconstruct`: an image → the same image. `generate`: the same, for a generative model.
            `denoise`: a noisy image → the clean image. A layer of the model adds the noise.
            `colorize`: a grey image → the colour image.
            `segment`: an image → the class of each pixel. `detect`: an image → objects and their boxes.
            `caption`: an image → a text.
            `classify`, `regress`: images, features or a sequence → a class, or numbers.
            `regress_entities`: categories → numbers.
            `classify_text`: a text → its class. `tag`: a text → the tag of each token.
            `translate`: a text → another text.
            `word_vectors`: words → the words that occur near them.
            `forecast`: a time series → its next steps.
        dataset: name of the dataset, or `own data` for a recipe that `gallery tune --data` has found.
        loss: `squared_error` and `binary_crossentropy` are summed over the values of an example. `crossentropy` is for
            classes; if each pixel or token has a class, the loss is averaged over the pixels or tokens. For `segment`,
            the pixels of objects have ten times the weight of the background. For `detect`, five times the distance of
            the boxes is added to `crossentropy`. For `forecast`, the squared error is averaged over the values, and
            divided by the variance of the targets.
        learning_rate: learning rate at the start of the training, or at the end of the warm-up if there is one.
        epochs: number of passes over the training examples.
        batch_size: number of examples in a step. For plain gradient descent, it is larger than the training set.
        hyperparameters: the model's hyperparameters that differ from the model's defaults.
        optimizer: `adam`, `adamw` (weight decay 0.05), `sgd` (momentum 0.9) or `gradient_descent` (θ ← θ − η∇θ).
        schedule: `cosine` to decay the learning rate to 0 over the training, or `constant`.
        warmup: fraction of the training in which the learning rate rises from 0. It is used only with `cosine`.
        binarize: whether each pixel value is replaced at random with 0 or 1 in each epoch. The value is the
            probability of 1. For images of the user's own, a recipe of the gallery does this only if the images are
            black and white: at least 80 % of the values are at most 0.1 away from 0 or 1.
        shift: whether the images are moved by up to one pixel at random. All images of a batch move in the same way.
        mirror: whether each image is mirrored with probability 1/2 and moved by up to two pixels, at random in each
            epoch.
        clipnorm: largest norm of the gradient of all weights; a larger gradient is scaled down. 0 means no limit.
        xla: whether to compile steps with XLA on TensorFlow. XLA makes dense layers faster and convolutions slower.
        patience: number of epochs without a lower validation loss after which the training ends. 0 to train all epochs.
        augment: random changes of the training images, by layers of Keras: `flip` (left to right), `shift` (by up to
            10 % of the size), `rotate` (by up to 15°) and `crop` (of up to 20 % of the size). Validation and test
            images are not changed.
        class_weights: `balanced` to give all classes the same weight in the loss, or `none`. Only for `classify` and
            `classify_text`.
        mixed_precision: `float16` or `bfloat16` to compute with 16-bit numbers, or `none`. The weights have 32 bits.
        vectors: word vectors that the words start with: the path of a file (word2vec's text or binary format, or
            GloVe's), or the folder of a run of word2vec. The length of the model's vectors is that of the file. Words
            that it lacks start as usual. Empty for none. Only for `classify_text`, `tag`, `translate` and
            `word_vectors`.
        freeze_vectors: whether the vectors of words are not trained, if there are `vectors`.
        targets: results to reach.
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
        "tag",
        "translate",
        "caption",
        "word_vectors",
    ]
    dataset: str
    loss: Literal["squared_error", "binary_crossentropy", "crossentropy"]
    learning_rate: Annotated[float, Range(1e-9)]
    epochs: Annotated[int, Range(1)]
    batch_size: Annotated[int, Range(1)]
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Literal["adam", "adamw", "sgd", "gradient_descent"] = "adam"
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup: Fraction = 0.0
    binarize: bool = False
    shift: bool = False
    mirror: bool = False
    clipnorm: NonNegative = 0.0
    xla: bool = True
    patience: Annotated[int, Range(0)] = 0
    augment: tuple[Augmentation, ...] = ()
    class_weights: Literal["none", "balanced"] = "none"
    mixed_precision: Literal["none", "float16", "bfloat16"] = "none"
    vectors: str = ""
    freeze_vectors: bool = False
    targets: tuple[Target, ...] = ()


def load_recipes(model: str) -> dict[str, Recipe]:
    """Returns the recipes of a model by name. The first recipe is the default.

    Raises:
        UnknownModel: no model has this name.
    """
    describe(model)
    recipes: dict[str, Recipe] = importlib.import_module(f"..recipes.{model}", __name__).RECIPES
    return recipes


def load_recipe(model: str, name: str | None = None) -> Recipe:
    """Returns the recipe of a model with this name, or the first recipe if the name is None.

    Raises:
        UnknownModel: no model has this name.
        UnknownRecipe: the model has no recipe with this name.
    """
    recipes = load_recipes(model)
    if name is None:
        name = next(iter(recipes))
    if name not in recipes:
        raise UnknownRecipe(unknown_name(f"recipe of {model}", name, list(recipes)))
    return recipes[name]
