"""Trains a model, evaluates it, draws its pictures and saves the run."""

import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..models import BadHyperparameter, create, describe, normalization
from .best_weights import BestWeights
from .checkpoints import Checkpoints, checksum
from .data import dataset as data
from .data.dataset import Dataset
from .devices import all_devices
from .errors import BadFolder, BadResume, Diverged
from .figures import threshold
from .fitting import build, fit
from .interrupt import interrupt_at_end
from .logs import TimeLeft, close, log_callbacks
from .recipe import Recipe
from .runs import YARDSTICKS, Run, save_run
from .settings import TrainConfig, check, reopen, settings_of
from .sources.read import read, summary
from .tasks import TASKS, Task
from .unfinished import Unfinished, unfinished

log = logging.getLogger(__name__)

# Settings of a recipe that are saved in the run's config.json.
RECIPE_SETTINGS = (
    *("task", "loss", "optimizer", "schedule", "warmup", "binarize", "shift", "mirror", "clipnorm"),
    *("patience", "augment", "class_weights", "mixed_precision"),
)
OUTPUTS = ("root", "tensorboard", "csv_log")  # settings that are paths


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
    resumed = None
    if config.resume:
        resumed, config, recipe = reopen(config)
    else:
        config, recipe = check(config)
    try:
        return _train(config, recipe, resumed, progress)
    finally:
        if resumed is not None:
            resumed.release()


def _train(config: TrainConfig, recipe: Recipe, resumed: Unfinished | None, progress: Callable[[str], None]) -> Run:
    own = config.source
    progress(f"Loading the dataset {config.dataset}" if own is None else f"Reading {own.record()['data']}")
    task = task_of(config, recipe)
    if own is not None:
        progress(f"Read {summary(task.dataset)}")
        for note in task.dataset.notes:
            progress(note)
    config = replace(config, hyperparameters=hyperparameters_of(config, recipe, task))
    settings = settings_of(config, recipe)
    if resumed is not None and settings["hyperparameters"] != resumed.settings["hyperparameters"]:
        raise BadResume(f"Cannot resume the training in {resumed.folder}: its data or its model have changed.")
    folder = resumed or Unfinished(config.home, settings)
    best = BestWeights(recipe.patience)
    checkpoints = Checkpoints(folder, best, checksum(task.training, task.held_out))
    try:
        is_interrupted = _fit(config, task, best, checkpoints, resumed is not None, progress)
        with interrupt_at_end():  # so that Ctrl-C does not lose the result of the training
            run = _evaluate_and_save(config, recipe, task, best, checkpoints.elapsed, is_interrupted, progress)
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


def _evaluate_and_save(
    config: TrainConfig,
    recipe: Recipe,
    task: Task,
    best: BestWeights,
    seconds: float,
    is_interrupted: bool,
    progress: Callable[[str], None],
) -> Run:
    """Computes the metrics of the trained model, and saves the run. `seconds` is the time of the training."""
    epochs_done = len(best.history["loss"])
    # The new model has no optimizer, so its file is a third as large. It computes with 32 bits in any case.
    trained = create(config.model, **config.hyperparameters)
    trained.set_weights(best.weights)
    normalization.finalize(trained)
    progress("Evaluating the model on the test examples")
    preparation, of_threshold = with_threshold(config, task, trained, progress)
    metrics = (
        finite(task.evaluate(trained))
        | of_threshold
        | {
            "parameters": trained.count_params(),
            "seconds": round(seconds, 2),
            "images_per_second": round(task.examples * epochs_done / seconds, 1),
        }
    )
    outputs = {name: None if (value := getattr(config, name)) is None else str(value) for name in OUTPUTS}
    run_config = asdict(replace(config, source=None, resume=False)) | {
        **outputs,
        "source": None if config.source is None else config.source.record(),
        "paths": {} if config.source is None else config.source.paths(),
        "test_checksum": None if config.source is None else data.checksum(task.dataset),
        "shapes": {"x": task.dataset.x_test.shape[1:], "y": task.dataset.y_test.shape[1:]},
        **{key: getattr(recipe, key) for key in RECIPE_SETTINGS},
        "epochs_done": epochs_done,
        "best_epoch": best.epoch,
        "interrupted": is_interrupted,
        "labels": list(task.dataset.labels),
        **_details(task.dataset),
        "backend": keras.backend.backend(),
        "versions": {"keras": keras.version(), "keras-gallery": version("keras-gallery")},
    }

    def write(folder: Path) -> None:
        progress("Saving the run with its images")
        contents: dict[str, Any] = {"config": run_config, "metrics": metrics, "history": best.history}
        if task.dataset.texts:
            contents["tokens"] = {
                role: {"names": tokens.names, "split": tokens.split} for role, tokens in task.dataset.texts.items()
            }
        if preparation is not None:
            contents["preparation"] = preparation
        for part, content in contents.items():
            (folder / f"{part}.json").write_text(
                json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        yardsticks: dict[str, Any] = dict(task.saved_yardsticks(trained))
        np.savez_compressed(folder / YARDSTICKS, **yardsticks)
        trained.save(folder / "model.keras")
        (folder / "pictures").mkdir()
        task.draw(folder / "pictures", trained, best)

    try:
        return Run.load(save_run(config.root, config.model, write))
    except OSError as error:
        raise BadFolder(f"Cannot save the run in {config.home}: {error.strerror or error}.") from None


def with_threshold(
    config: TrainConfig, task: Task, model: keras.Model, progress: Callable[[str], None]
) -> tuple[dict[str, Any] | None, dict[str, float]]:
    """Returns the preparation of the dataset with the threshold of the score, and the metrics of the threshold.

    There is a threshold if the model has a score, and if the data are the user's own or a rate of false alarms is set.
    A warning is passed to `progress` if there are too few examples for the rate.
    """
    preparation = None if task.dataset.preparation is None else dict(task.dataset.preparation)
    rate = config.false_alarms
    if rate is None and config.source is not None:
        rate = threshold.DEFAULT_RATE
    validation = None if rate is None else task.scores(model, task.held_out.x)
    if rate is None or validation is None:
        return preparation, {}
    test = task.scores(model, task.dataset.x_test)
    assert test is not None
    chosen = threshold.choose(validation, test, rate)
    if warning := threshold.too_few(len(validation), rate):
        progress(f"Warning: {warning}")
    if preparation is None:
        height, width, channels = task.dataset.shape
        preparation = {"kind": "pictures", "height": height, "width": width, "channels": channels}
        preparation |= {"fit": "crop", "pixels": "0..1"}
    return preparation | {"threshold": chosen}, {
        "threshold": chosen["value"],
        "false_alarm_rate": rate,
        "measured_false_alarm_rate": chosen["measured_rate"],
        "validation_examples": len(validation),
        "test_examples": len(test),
    }


def finite(metrics: dict[str, float]) -> dict[str, float]:
    """Returns the metrics without those that are not finite, such as r2 if all targets are equal."""
    undefined = [name for name, value in metrics.items() if not math.isfinite(value)]
    if undefined:
        log.warning("Not defined on these test examples: %s", ", ".join(undefined))
    return {name: value for name, value in metrics.items() if name not in undefined}


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
    return TASKS[recipe.task](recipe, load_data(config, recipe), int(config.seed or 0))


def hyperparameters_of(config: TrainConfig, recipe: Recipe, task: Task) -> dict[str, Any]:
    """Returns all hyperparameters of the model.

    Raises:
        BadHyperparameter: a hyperparameter that depends on the dataset does not match the dataset.
    """
    known = {each.name: each for each in describe(config.model).hyperparameters}
    by_dataset = {name: value for name, value in task.hyperparameters().items() if name in known}
    suggested = {} if config.source is None else task.suggestions()
    suggested = {name: value for name, value in suggested.items() if name in known}
    given = {**by_dataset, **recipe.hyperparameters, **suggested, **config.hyperparameters}
    for name, value in by_dataset.items():
        if known[name].check(given[name]) != known[name].check(value):
            expected = known[name].format(value)
            raise BadHyperparameter(
                f"Expected {name} to be {expected}, as in the dataset {config.dataset}. Received: {given[name]}."
            )
    return {name: each.default for name, each in known.items()} | given


def _details(dataset: data.Dataset) -> dict[str, Any]:
    """Returns facts about data of the user's own for the run's config, with the pictures that were skipped."""
    details = dataset.details if dataset.stream is None else dataset.stream.details()
    return {} if details is None else {"examples": dict(details)}
