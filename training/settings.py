"""The settings of a training, and the checks that need neither Keras nor the dataset."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..models.hyperparameters import Hyperparameter
from .data.dataset import check_name
from .errors import BadData, BadFolder, BadResume, NotInstalled
from .recipe import OWN_DATA, Recipe
from .recipe_files import augmentations, check_recipe, checked, find_recipe, name_of, scalars
from .sources.read import check as check_source
from .sources.source import Source
from .unfinished import Unfinished, plain, to_resume
from .vector_files import check_path

SETTINGS = (
    Hyperparameter("epochs", int, None, "number of passes over the training examples", minimum=1),
    Hyperparameter("batch_size", int, None, "number of training examples in a step", minimum=1),
    Hyperparameter("learning_rate", float, None, "initial learning rate of the optimizer", minimum=1e-9),
)
SEED = Hyperparameter("seed", int, 0, "seed of all random numbers", minimum=0, maximum=2**32 - 1)
# Settings that replace the recipe's values.
OVERRIDES = ("schedule", "patience", "augment", "class_weights", "mixed_precision", "vectors", "freeze_vectors")
# A training is resumed with its own values of these settings.
KEPT = ("dataset", *(each.name for each in SETTINGS), "seed", "false_alarms", *OVERRIDES)
SCORED = ("reconstruct", "denoise", "generate")  # tasks of models with a score


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training. If a setting is None, the recipe's value is used.

    Attributes:
        model: name of the model.
        recipe: name of one of the model's recipes, path of a recipe file, or a recipe. The default is the model's first
            recipe.
        hyperparameters: hyperparameters of the model. They override the hyperparameters in the recipe. Shapes and the
            number of classes must match the dataset.
        dataset: name of the dataset.
        source: data of the user's own, in place of a dataset of the gallery.
        epochs: number of passes over the training examples, at least 1.
        batch_size: number of examples in a step, at least 1.
        learning_rate: initial learning rate, above 0.
        seed: seed of all random numbers; None for 0. On a CPU, the same seed gives the same weights.
        root: folder of all runs; the run is saved in `<root>/<model>/<number>/`.
        schedule: `cosine` or `constant`, see `Recipe`.
        patience: number of epochs without a lower validation loss after which the training ends, see `Recipe`.
        augment: random changes of the training images, see `Recipe`.
        class_weights: `balanced` or `none`, see `Recipe`.
        mixed_precision: `float16`, `bfloat16` or `none`, see `Recipe`.
        vectors: the path of word vectors, see `Recipe`, or gensim's `KeyedVectors`.
        freeze_vectors: whether the vectors of words are not trained, see `Recipe`.
        resume: whether to go on with an unfinished training. Settings that are None are those of this training. Only
            `epochs` can be changed, to a larger number.
        tensorboard: folder for the logs of TensorBoard.
        csv_log: CSV file for the losses of each epoch.
        false_alarms: for autoencoders: share of normal examples that the threshold of the score may exceed. The default
            is 0.01 for data of the user's own, and no threshold for a dataset of the gallery.
    """

    model: str
    recipe: str | Path | Recipe | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    source: Source | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int | None = None
    root: str | Path = "runs"
    schedule: str | None = None
    patience: int | None = None
    augment: tuple[str, ...] | None = None
    class_weights: str | None = None
    mixed_precision: str | None = None
    vectors: Any = None
    freeze_vectors: bool | None = None
    resume: bool = False
    tensorboard: str | Path | None = None
    csv_log: str | Path | None = None
    false_alarms: float | None = None

    @property
    def home(self) -> Path:
        """Folder of the runs of the model."""
        return Path(self.root, self.model)


def check(config: TrainConfig) -> tuple[TrainConfig, Recipe]:
    """Checks the settings, except for the hyperparameters of the model. Does not import Keras.

    Returns:
        `config` with the recipe's values for settings that are None, and the recipe with the values of `config`.

    Raises:
        GalleryError: a name is unknown, a setting is out of range, or runs cannot be saved in the folder. Or there is
            no unfinished training with these settings to resume.
    """
    find_recipe(config.model, config.recipe)
    if config.resume:
        return _resumed(config, to_resume(config.home, lambda each: _difference(config, each)))
    return _check(config, find_recipe(config.model, config.recipe))


def reopen(config: TrainConfig) -> tuple[Unfinished, TrainConfig, Recipe]:
    """Returns an unfinished training, locked for this process, with its settings as `check` returns them.

    Raises:
        GalleryError: as `check`.
    """
    while not (found := to_resume(config.home, lambda each: _difference(config, each))).lock():
        pass  # another process has just locked it
    return found, *_resumed(config, found)


def settings_of(config: TrainConfig, recipe: Recipe) -> dict[str, Any]:
    """Returns the settings of a checked `config` that a resumed training must share, for JSON."""
    attributes = recipe_values(replace(recipe, vectors=""))
    del attributes["hyperparameters"]
    own = {name: getattr(config, name) for name in ("recipe", "hyperparameters", *KEPT)}
    source = None if config.source is None else _source_values(config.source)
    return plain({**attributes, **own, "vectors": _path_or_class(config.vectors), "source": source})


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """Returns the settings of a recipe, for JSON. An unfinished training keeps them to find out what has changed."""
    return plain({each.name: getattr(recipe, each.name) for each in fields(Recipe) if each.name != "targets"})


def _check(config: TrainConfig, recipe: Recipe) -> tuple[TrainConfig, Recipe]:
    if config.source is not None and config.dataset not in (None, config.source.title):
        raise BadData(f"Train on a dataset or on your own data, not on both. Received: {config.dataset} and data.")
    config = resolve(config, recipe)
    recipe = replace(recipe, **{name: getattr(config, name) for name in OVERRIDES})
    check_path(config.vectors)
    check_recipe(config.model, recipe)
    if config.source is None:
        if config.dataset == OWN_DATA:
            raise BadData(
                f"The recipe {config.recipe} is for data of your own. Name them with --data, or use --dataset."
            )
        check_name(str(config.dataset))
    else:
        check_source(config.source, config.model, recipe)
    _check_false_alarms(config.false_alarms, config.model, recipe)
    _check_writable(config.home, "runs to the folder")
    if config.tensorboard is not None:
        if find_spec("tensorboard") is None:
            raise NotInstalled("The logs of TensorBoard need the package tensorboard: pip install tensorboard")
        _check_writable(Path(config.tensorboard), "the logs to the folder")
    if config.csv_log is not None:
        if Path(config.csv_log).is_dir():
            raise BadFolder(f"Expected csv_log to be a file. Received the folder {config.csv_log}.")
        _check_writable(Path(config.csv_log).absolute().parent, "the CSV log to the folder")
    return config, recipe


def resolve(config: TrainConfig, recipe: Recipe) -> TrainConfig:
    """Returns `config` with the recipe's values for settings that are None.

    Raises:
        GalleryError: a setting is out of range.
    """
    resolved: dict[str, Any] = {
        "recipe": name_of(config.model, config.recipe),
        "dataset": (config.dataset or recipe.dataset) if config.source is None else config.source.title,
        "seed": SEED.check(SEED.default if config.seed is None else config.seed),
    }
    known = scalars() | {each.name: each for each in SETTINGS}
    for name in (*(each.name for each in SETTINGS), *OVERRIDES):
        given = getattr(config, name)
        value = getattr(recipe, name) if given is None else given
        if name == "augment":
            value = augmentations(value)
        resolved[name] = value if name in ("augment", "vectors") else known[name].check(value)
    return replace(config, **resolved)


def _check_false_alarms(rate: float | None, model: str, recipe: Recipe) -> None:
    """Raises BadData if the rate is out of range, or if the model has no score."""
    if rate is None:
        return
    if recipe.task not in SCORED:
        raise BadData(f"{model} has no score, so it has no false alarms. Leave out the option false_alarms.")
    if not (isinstance(rate, int | float) and 0 < rate < 1):
        raise BadData(f"Expected false_alarms to be a number above 0 and below 1. Received: {rate!r}.")


def _resumed(config: TrainConfig, found: Unfinished) -> tuple[TrainConfig, Recipe]:
    """Returns the settings of a resumed training: those in `config`, and otherwise those of the unfinished training."""
    saved = found.settings
    values = {name: saved[name] for name in KEPT if getattr(config, name) is None and name != "dataset"}
    if isinstance(values.get("vectors"), list):
        raise BadResume("The training has vectors in memory. To resume it, pass the same vectors again.")
    if config.source is None and config.dataset is None:
        if saved["source"] is None:
            values["dataset"] = saved["dataset"]
        else:
            values["source"] = _saved_source(saved["source"])
    filled = replace(config, **values, hyperparameters={**saved["hyperparameters"], **config.hyperparameters})
    if config.recipe is not None:
        recipe = find_recipe(config.model, config.recipe)
        if config.epochs is None and recipe.epochs != saved["of_recipe"]["epochs"]:  # the file was edited
            filled = replace(filled, epochs=recipe.epochs)
        return _check(filled, recipe)
    attributes = {each.name for each in fields(Recipe)} & saved.keys() - {"hyperparameters", "vectors"}
    recipe = Recipe(**checked({name: saved[name] for name in attributes}, str(found.folder)))
    return _check(replace(filled, recipe=saved["recipe"]), recipe)


def _difference(config: TrainConfig, found: Unfinished) -> str | None:
    """Returns the first difference between `config` and the settings of an unfinished training, or None.

    More epochs are no difference. A recipe of the same name must be as it was when the training began.
    """
    if not {"recipe", "of_recipe", "hyperparameters", "source", *KEPT, *scalars()} <= found.settings.keys():
        return "It is from another version of Keras Gallery."
    settings = settings_of(*_resumed(config, found))
    for name, value in (settings | settings["hyperparameters"]).items():
        saved = (found.settings | found.settings["hyperparameters"]).get(name, value)
        if name == "epochs" and value != saved:
            if value < saved:
                return f"Expected epochs to be at least {saved}. Received: {value}."
        elif name != "hyperparameters" and value != saved:
            return f"Expected {name} to be {_text(saved)}. Received: {_text(value)}."
    if config.recipe is None:
        return None
    before = found.settings["of_recipe"]
    for name, value in recipe_values(find_recipe(config.model, config.recipe)).items():
        if name != "epochs" and value != before.get(name):
            return f"Expected {name} of the recipe to be {_text(before.get(name))}. Received: {_text(value)}."
    return None


def _text(value: Any) -> str:
    if isinstance(value, dict):  # a source
        return ", ".join(f"{name}={each}" for name, each in value.items() if each not in (None, [], False))
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _source_values(source: Source) -> dict[str, Any]:
    values = {each.name: getattr(source, each.name) for each in fields(source)}
    return values | {name: _path_or_class(values[name]) for name in ("data", "test")}


def _path_or_class(data: Any) -> str | list[str] | None:
    """Returns an absolute path, or the class of data in memory in a list."""
    if isinstance(data, (str, Path)):
        return str(Path(data).absolute()) if data != "" else None
    return None if data is None else [type(data).__name__]


def _saved_source(values: Mapping[str, Any]) -> Source:
    if any(isinstance(values[name], list) for name in ("data", "test")):
        raise BadResume("The training has data in memory. To resume it, pass the same data again.")
    given: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in values.items()}
    return Source(**given)


def _check_writable(folder: Path, what: str) -> None:
    """Raises BadFolder if nothing can be written to `folder`. Does not create the folder."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise BadFolder(f"Cannot write {what} {folder}.")
