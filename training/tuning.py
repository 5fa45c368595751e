"""Searches for better settings of a recipe, and writes the best settings to a recipe file.

Trials are judged by the loss on the validation split. The test examples are removed from the dataset before the first
trial. All trials are stored: the same call goes on where a call that was interrupted or killed has stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from ..models import describe
from ..models.errors import GalleryError
from .best_weights import BestWeights
from .data.dataset import Dataset, checksum
from .devices import all_devices
from .errors import BadFolder, BadSpace, Diverged
from .fitting import build, fit
from .logs import duration
from .recipe import OWN_DATA, Recipe
from .recipe_files import recipe_toml
from .search_space import Trait, search_space, tried_recipe
from .settings import TrainConfig, check, settings_of
from .sources.read import summary
from .studies import Study, import_optuna, one_at_a_time
from .tasks import TASKS, Task
from .train import NOT_BINARIZED, hyperparameters_of, load_data, recipe_for

HEADING = "Written by gallery tune"
GIVEN = ("learning_rate", "batch_size", "schedule", "augment", "class_weights", "mixed_precision")


@dataclass(frozen=True)
class Tuned:
    """The result of a tuning.

    Attributes:
        recipe: the recipe with the best settings.
        file: the recipe file.
        loss: validation loss of the best trial.
        first_loss: validation loss of the first trial, which has the settings of the recipe; None if it failed.
        trials: number of trials.
    """

    recipe: Recipe
    file: Path
    loss: float
    first_loss: float | None
    trials: int


class Report(keras.callbacks.Callback):
    """Reports the validation loss of each epoch to a trial of Optuna, and stops a trial that is not promising."""

    def __init__(self, trial: Any) -> None:
        super().__init__()
        self.trial = trial
        self.is_pruned = False

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.trial.report(float((logs or {})["val_loss"]), epoch)
        if self.trial.should_prune():
            self.is_pruned = self.model.stop_training = True


def tune(
    config: TrainConfig,
    trials: int = 20,
    space_file: str | Path | None = None,
    output: str | Path | None = None,
    prune: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Tuned:
    """Trains a model with different settings, and writes the best settings to a recipe file.

    The first trial has the settings of the recipe. Settings that are given in `config` are the same in all trials. On a
    CPU, the same arguments give the same trials.

    Args:
        config: the settings of the trainings.
        trials: number of trials, with the finished trials of an earlier call with the same settings.
        space_file: TOML file with ranges of the user's own (see `search_space`).
        output: the recipe file; by default `<model>.toml`.
        prune: whether to stop a trial whose validation loss is worse than the median of the earlier trials.
        progress: called with a line of text before and after each trial.

    Raises:
        GalleryError: a setting is wrong, all trials failed, or the recipe file exists and is not from a tuning.
        KeyboardInterrupt: Ctrl-C was pressed. The finished trials are stored.
    """
    if trials < 1:
        raise BadSpace(f"Expected trials to be an integer of at least 1. Received: {trials}.")
    file = Path(output if output is not None else f"{config.model}.toml")
    _check_output(file)
    import_optuna()
    checked, recipe = check(config)
    progress(f"Loading the dataset {checked.dataset}" if config.source is None else f"Reading {checked.dataset}")
    dataset = load_data(checked, recipe)
    if config.source is not None:
        progress(f"Read {summary(dataset)}")
    dataset = without_tests(dataset)
    if (chosen := recipe_for(checked, recipe, dataset)) is not recipe:
        recipe = chosen
        progress(NOT_BINARIZED)
    own = {name: getattr(checked, name) for name in ("epochs", "batch_size", "learning_rate")}
    if config.source is None:
        own["dataset"] = checked.dataset
    recipe = tried_recipe(replace(recipe, **own), config.hyperparameters)
    recipe = _with_suggestions(config, recipe, dataset)
    space, fixed = _space(config, recipe, dataset, space_file)
    recipe = tried_recipe(recipe, fixed)
    search = _Search(checked, recipe, dataset, space)
    with one_at_a_time(checked.home):
        study = Study(checked.home, search.settings() | {"prune": prune}, search.seed, prune)
        started, done = time.monotonic(), len(study.finished)
        if done:
            progress(f"Going on after {min(done, trials)} of {trials} trials")
        for number in range(done, trials):
            search.run(study, f"Trial {number + 1} of {trials}", progress)
            left = (time.monotonic() - started) / (number + 1 - done) * (trials - number - 1)
            if left and study.best is not None:
                progress(f"Lowest validation loss so far: {study.best.value:.6g}; {duration(left)} left")
        return search.result(study, file)


def without_tests(dataset: Dataset) -> Dataset:
    """Returns the dataset without its test examples, so that no trial can use them."""
    return replace(dataset, x_test=dataset.x_test[:0], y_test=dataset.y_test[:0])


class _Search:
    """Runs the trials.

    Args:
        config: the checked settings.
        recipe: the recipe with the settings that all trials share.
        dataset: the dataset without test examples.
        space: the settings that are tried.
    """

    def __init__(self, config: TrainConfig, recipe: Recipe, dataset: Dataset, space: Mapping[str, Trait]) -> None:
        self.config = replace(config, hyperparameters={})
        self.recipe = recipe
        self.dataset = dataset
        self.space = space
        self.seed = int(config.seed or 0)

    def settings(self) -> dict[str, Any]:
        """Returns the settings that the trials share, for JSON."""
        config = replace(self.config, hyperparameters=dict(self.recipe.hyperparameters))
        return settings_of(config, self.recipe) | {
            "space": {name: trait.describe() for name, trait in self.space.items()},
            "data": checksum(self.dataset.x_train, self.dataset.y_train),
        }

    def run(self, study: Study, title: str, progress: Callable[[str], None]) -> None:
        """Runs one trial."""
        trial = study.start(self._first())
        values = {name: trait.suggest(trial) for name, trait in self.space.items()}
        progress(f"{title}: " + ", ".join(f"{name} {_short(value)}" for name, value in values.items()))
        tried = tried_recipe(self.recipe, values)
        best, report = BestWeights(tried.patience), Report(trial)
        try:
            self._fit(tried, best, report)
        except (Diverged, GalleryError) as error:
            study.fail(trial, str(error))
            progress(f"{title} failed: {error}")
            return
        if report.is_pruned:
            study.prune(trial)
            progress(f"{title}: stopped after {len(best.history['loss'])} epochs")
        else:
            study.complete(trial, min(best.history["val_loss"]))
            progress(f"{title}: validation loss {min(best.history['val_loss']):.6g}")

    def _first(self) -> dict[str, Any]:
        """Returns the parameters of the first trial: the recipe's own values, if they are in the search space."""
        values = hyperparameters_of(self.config, self.recipe, _task(self.recipe, self.dataset, self.seed))
        own = {name: values.get(name, getattr(self.recipe, name, None)) for name in self.space}
        return {name: trait.stored(own[name]) for name, trait in self.space.items() if trait.has(own[name])}

    def _fit(self, tried: Recipe, best: BestWeights, report: Report) -> None:
        keras.backend.clear_session()
        task = _task(tried, self.dataset, self.seed)
        keras.utils.set_random_seed(self.seed)
        config = replace(self.config, batch_size=tried.batch_size, learning_rate=tried.learning_rate)
        with all_devices():
            config = replace(config, hyperparameters=tried.hyperparameters)
            model = build(config.model, hyperparameters_of(config, tried, task), task)
            fit(model, task, config, best, lambda: [report], verbose=0)

    def result(self, study: Study, file: Path) -> Tuned:
        """Writes the recipe file.

        Raises:
            GalleryError: all trials failed, or the file cannot be written.
        """
        finished, best = study.finished, study.best
        if best is None:
            reason = next((trial.user_attrs["error"] for trial in finished if trial.user_attrs), "all were stopped")
            raise BadSpace(f"No trial of {len(finished)} was successful. The first error: {reason}")
        values = {name: trait.suggest(study.again(best)) for name, trait in self.space.items()}
        recipe = replace(tried_recipe(self.recipe, values), targets=())
        if self.config.source is not None:
            recipe = replace(recipe, dataset=OWN_DATA)
        heading = f"{HEADING}: the best of {len(finished)} trials, with a validation loss of {best.value:.6g}."
        try:
            file.absolute().parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f".{file.name}.draft")
            draft.write_text(recipe_toml(self.config.model, recipe, heading), encoding="utf-8")
            draft.replace(file)
        except OSError as error:
            raise BadFolder(f"Cannot write the recipe {file}: {error.strerror}.") from None
        first = finished[0].value if finished[0].state.name == "COMPLETE" else None
        return Tuned(recipe, file, best.value, first, len(finished))


def _task(recipe: Recipe, dataset: Dataset, seed: int) -> Task:
    return TASKS[recipe.task](recipe, dataset, seed)


def _with_suggestions(config: TrainConfig, recipe: Recipe, dataset: Dataset) -> Recipe:
    """Returns the recipe with the hyperparameters that the task suggests for data of the user's own."""
    if config.source is None:
        return recipe
    task = _task(recipe, dataset, int(config.seed or 0))
    values = hyperparameters_of(config, recipe, task)
    names = values.keys() & task.suggestions().keys()
    return tried_recipe(recipe, {name: values[name] for name in names})


def _space(
    config: TrainConfig, recipe: Recipe, dataset: Dataset, space_file: str | Path | None
) -> tuple[dict[str, Trait], dict[str, Any]]:
    """Returns the settings that are tried, and the settings that the file fixes."""
    known = {each.name: each for each in describe(config.model).hyperparameters}
    task = _task(recipe, dataset, int(config.seed or 0))
    values = hyperparameters_of(config, recipe, task)
    given = {*config.hyperparameters, *(name for name in GIVEN if getattr(config, name) is not None)}
    free = {name: each for name, each in known.items() if name not in task.hyperparameters() | task.of_vectors()}
    file = None if space_file is None else Path(space_file)
    return search_space(free, values, recipe, given, file)


def _check_output(file: Path) -> None:
    if file.exists() and not (file.is_file() and file.read_text("utf-8", errors="replace").startswith(f"# {HEADING}")):
        raise BadFolder(f"The file {file} exists, and is not from gallery tune. Choose another file with --output.")


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
