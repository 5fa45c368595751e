"""The settings of a training, and the checks that need neither Keras nor the dataset."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..models.hyperparameters import Hyperparameter
from .data.dataset import check_name
from .errors import BadData, BadFolder
from .recipe import Recipe, load_recipe, load_recipes
from .sources.read import check as check_source
from .sources.source import Source

SETTINGS = (
    Hyperparameter("epochs", int, None, "number of passes over the training examples", minimum=1),
    Hyperparameter("batch_size", int, None, "number of training examples in a step", minimum=1),
    Hyperparameter("learning_rate", float, None, "initial learning rate of the optimizer", minimum=1e-9),
    Hyperparameter("seed", int, 0, "seed of all random numbers", minimum=0, maximum=2**32 - 1),
)


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training. If a setting is None, the recipe's value is used.

    Attributes:
        model: name of the model.
        recipe: name of one of the model's recipes. The default is the first recipe.
        hyperparameters: hyperparameters of the model. They override the hyperparameters in the recipe. Shapes and the
            number of classes must match the dataset.
        dataset: name of the dataset.
        source: data of the user's own, in place of a dataset of the gallery.
        epochs: number of passes over the training examples, at least 1.
        batch_size: number of examples in a step, at least 1.
        learning_rate: initial learning rate, above 0.
        seed: seed of all random numbers. On a CPU, the same seed gives the same weights.
        root: folder of all runs; the run is saved in `<root>/<model>/<number>/`.
    """

    model: str
    recipe: str | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    source: Source | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0
    root: str | Path = "runs"


def check(config: TrainConfig) -> tuple[TrainConfig, Recipe]:
    """Checks the settings, except for the hyperparameters of the model. Does not import Keras.

    Returns:
        `config` with the recipe's values for settings that are None, and the recipe.

    Raises:
        GalleryError: a name is unknown, a setting is out of range, or runs cannot be saved in the folder.
    """
    recipe = load_recipe(config.model, config.recipe)
    if config.source is not None and config.dataset not in (None, config.source.title):
        raise BadData(f"Train on a dataset or on your own data, not on both. Received: {config.dataset} and data.")
    config = resolve(config, recipe)
    if config.source is None:
        check_name(str(config.dataset))
    else:
        check_source(config.source, config.model, recipe)
    _check_writable(Path(config.root, config.model))
    return config, recipe


def resolve(config: TrainConfig, recipe: Recipe) -> TrainConfig:
    """Returns `config` with the recipe's values for settings that are None.

    Raises:
        BadHyperparameter: a setting is out of range.
    """
    resolved: dict[str, Any] = {
        "recipe": config.recipe or next(iter(load_recipes(config.model))),
        "dataset": (config.dataset or recipe.dataset) if config.source is None else config.source.title,
    }
    for setting in SETTINGS:
        given = getattr(config, setting.name)
        resolved[setting.name] = setting.check(getattr(recipe, setting.name) if given is None else given)
    return replace(config, **resolved)


def _check_writable(folder: Path) -> None:
    """Raises BadFolder if runs cannot be saved in `folder`. Does not create the folder."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise BadFolder(f"Cannot write runs to the folder {folder}.")
