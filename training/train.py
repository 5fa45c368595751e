"""Trains a model, evaluates it, draws its pictures and saves the run."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras

from ..models import BadHyperparameter, describe
from .best_weights import BestWeights
from .checkpoints import Checkpoints
from .data import dataset as data
from .data.batches import is_black_and_white
from .data.dataset import Dataset
from .devices import all_devices
from .errors import BadResume, Diverged
from .fitting import build, fit
from .interrupt import interrupt_at_end
from .logs import TimeLeft, close, log_callbacks
from .recipe import Recipe, load_recipes
from .recipe_files import find_recipe, sets
from .runs import Run
from .saving import evaluate_and_save
from .settings import TrainConfig, check, recipe_values, reopen, settings_of
from .sources.read import read, summary
from .tasks import TASKS, Task
from .unfinished import Unfinished, unfinished

log = logging.getLogger(__name__)

NOT_BINARIZED = (
    "The images are not binarized, because they are not black and white (binarize = true in a recipe file changes this)"
)


def train(config: TrainConfig, progress: Callable[[str], None] = lambda step: None) -> Run:
    """Trains a model with a recipe and saves it as a run, with its metrics and pictures.

    A part of the training examples (the validation split) is held out to choose the best epoch. The test examples are
    used only for metrics and pictures. All settings are checked before the training starts. The run is saved at the
    end. If Ctrl-C interrupts the training, the best epoch so far is saved as an interrupted run. Ctrl-C after the
    training takes effect when the run is saved.

    A training that was interrupted or killed can be resumed from its last checkpoint. On a CPU, it then has the same
    weights and metrics as an unbroken training.

    Args:
        config: the settings.
        progress: called with a line of text at the start of each step.

    Returns:
        The saved run.

    Raises:
        GalleryError: a name, setting, hyperparameter or file is wrong, the loss diverged, or there is no unfinished
            training to resume.
        KeyboardInterrupt: Ctrl-C was pressed before the end of the first epoch, or twice after the training: nothing
            is saved. Or it was pressed once after the training: the run is saved.
    """
    resumed, named = None, config.recipe
    if config.resume:
        resumed, config, recipe = reopen(config)
    else:
        config, recipe = check(config)
    try:
        of_recipe = (
            recipe_values(find_recipe(config.model, named))
            if resumed is None or named is not None
            else resumed.settings["of_recipe"]
        )
        return _train(config, recipe, of_recipe, resumed, progress)
    finally:
        if resumed is not None:
            resumed.release()


def _train(
    config: TrainConfig,
    recipe: Recipe,
    of_recipe: dict[str, Any],
    resumed: Unfinished | None,
    progress: Callable[[str], None],
) -> Run:
    own = config.source
    progress(f"Loading the dataset {config.dataset}" if own is None else f"Reading {own.record()['data']}")
    task = task_of(config, recipe)
    if own is not None:
        progress(f"Read {summary(task.dataset)}")
        for note in task.dataset.notes:
            progress(note)
        if task.recipe is not recipe:
            progress(NOT_BINARIZED)
    if task.vectors is not None:
        progress(f"{task.vectors}; the vectors are {'frozen' if recipe.freeze_vectors else 'trained further'}")
    config = replace(config, hyperparameters=hyperparameters_of(config, recipe, task))
    settings = settings_of(config, recipe) | {"of_recipe": of_recipe}
    if resumed is not None and settings["hyperparameters"] != resumed.settings["hyperparameters"]:
        raise BadResume(f"Cannot resume the training in {resumed.folder}: its data or its model have changed.")
    folder = resumed or Unfinished(config.home, settings)
    if resumed is not None and settings["epochs"] > resumed.settings["epochs"]:
        before = resumed.settings["epochs"]
        progress(f"The training goes on to {config.epochs} epochs instead of {before}; the schedule, too")
        folder.settings = settings
    best = BestWeights(recipe.patience)
    arrays = keras.tree.flatten((task.training, task.held_out, task.labels))
    checkpoints = Checkpoints(folder, best, data.checksum(*arrays))
    try:
        is_interrupted = _fit(config, task, best, checkpoints, resumed is not None, progress)
        with interrupt_at_end():  # so that Ctrl-C does not lose the result of the training
            run = evaluate_and_save(config, task.recipe, task, best, checkpoints.elapsed, is_interrupted, progress)
            if not is_interrupted:
                folder.tidy()
        return run
    except Diverged:
        folder.delete()
        raise
    except BaseException:
        checkpoints.flush()
        raise
    finally:
        folder.release()


def _fit(
    config: TrainConfig,
    task: Task,
    best: BestWeights,
    checkpoints: Checkpoints,
    resume: bool,
    progress: Callable[[str], None],
) -> bool:
    """Trains the model. Returns whether Ctrl-C interrupted the training."""
    epochs, done = int(config.epochs or 0), 0
    logs: list[Any] = []
    if not resume:
        progress(f"Training for {epochs} epoch{'s' if epochs != 1 else ''}")
        if any(each.settings == checkpoints.unfinished.settings for each in unfinished(config.home)):
            progress("An unfinished training with the same settings can be resumed with --resume")

    def restore(model: keras.Model) -> int:
        nonlocal done
        done = checkpoints.restore(model)
        progress(f"Resuming after {done} of {epochs} epochs")
        return done

    def callbacks() -> list[keras.callbacks.Callback]:
        logs.extend(log_callbacks(config.csv_log, config.tensorboard, done))
        return [checkpoints, TimeLeft(epochs, progress), *logs]

    keras.utils.set_random_seed(int(config.seed or 0))  # makes the training on a CPU reproducible to the last bit
    with all_devices():
        model = build(config.model, config.hyperparameters, task)
        checkpoints.start()
        try:
            fit(model, task, config, best, callbacks, restore if resume else None)
        except KeyboardInterrupt:
            if best.weights is None:
                raise
            checkpoints.flush()
            finished = len(best.history["loss"])
            log.warning("Interrupted after %d of %d epochs: saving epoch %d", finished, epochs, best.epoch)
            return True
        finally:
            checkpoints.stop()
            close(logs)
    return False


def load_data(config: TrainConfig, recipe: Recipe) -> Dataset:
    """Returns the dataset of a checked `config`, or the user's own data.

    Raises:
        GalleryError: the data cannot be loaded.
    """
    if config.source is None:
        return data.load(str(config.dataset))
    return read(config.source, config.model, recipe, int(config.seed or 0))


def task_of(config: TrainConfig, recipe: Recipe) -> Task:
    """Returns the recipe's task with the dataset of a checked `config`.

    Raises:
        GalleryError: the dataset cannot be loaded, or the task cannot use it.
    """
    dataset = load_data(config, recipe)
    return TASKS[recipe.task](recipe_for(config, recipe, dataset), dataset, int(config.seed or 0))


def recipe_for(config: TrainConfig, recipe: Recipe, dataset: Dataset) -> Recipe:
    """Returns the recipe, which does not binarize images of the user's own that are not black and white.

    The user's own recipe is not changed if it sets `binarize` itself.
    """
    if config.source is None or not recipe.binarize or sets(str(config.recipe), "binarize"):
        return recipe
    return recipe if is_black_and_white(dataset.x_train) else replace(recipe, binarize=False)


def hyperparameters_of(config: TrainConfig, recipe: Recipe, task: Task) -> dict[str, Any]:
    """Returns all hyperparameters of the model.

    Raises:
        BadHyperparameter: a hyperparameter that depends on the dataset or on the vectors does not match them.
    """
    known = {each.name: each for each in describe(config.model).hyperparameters}
    by_dataset = {name: value for name, value in task.hyperparameters().items() if name in known}
    suggested = {} if config.source is None else task.suggestions()
    suggested = {name: value for name, value in suggested.items() if name in known}
    # The gallery's recipes are for the gallery's datasets, but a recipe of the user's own is for the user's own data.
    of_gallery = any(recipe.hyperparameters == each.hyperparameters for each in load_recipes(config.model).values())
    of_recipe = [recipe.hyperparameters, suggested] if of_gallery else [suggested, recipe.hyperparameters]
    by_vectors = task.of_vectors()
    given = {**by_dataset, **of_recipe[0], **of_recipe[1], **by_vectors, **config.hyperparameters}
    for name, value in (by_dataset | by_vectors).items():
        if known[name].check(given[name]) != known[name].check(value):
            expected = known[name].format(value)
            where = "the vectors" if name in by_vectors else f"the dataset {config.dataset}"
            raise BadHyperparameter(f"Expected {name} to be {expected}, as in {where}. Received: {given[name]}.")
    return {name: each.default for name, each in known.items()} | given
