"""Trains a model, evaluates it, draws its pictures and saves the run."""

import json
import logging
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from ..models import BadHyperparameter, create, describe, normalization
from .best_weights import BestWeights
from .data import dataset as data
from .interrupt import interrupt_at_end, interrupt_between_steps
from .recipe import Recipe
from .runs import Run, save_run
from .settings import TrainConfig, check
from .sources.read import read, summary
from .tasks import TASKS, Task

log = logging.getLogger(__name__)

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": partial(keras.optimizers.AdamW, weight_decay=0.05),
    "sgd": partial(keras.optimizers.SGD, momentum=0.9),
    "gradient_descent": keras.optimizers.SGD,
}
STEPS_PER_EXECUTION = 16  # with XLA on TensorFlow
VALIDATION_BATCH = 500
# Settings of a recipe that are saved in the run's config.json.
RECIPE_SETTINGS = ("task", "loss", "optimizer", "schedule", "warmup", "binarize", "shift", "mirror", "clipnorm")


def train(config: TrainConfig, progress: Callable[[str], None] = lambda step: None) -> Run:
    """Trains a model with a recipe and saves it as a run, with its metrics and pictures.

    A part of the training examples (the validation split) is held out to choose the best epoch. The test examples are
    used only for metrics and pictures. All settings are checked before the training starts. The run is saved at the
    end. If Ctrl-C interrupts the training, the best epoch so far is saved as an interrupted run. Ctrl-C after the
    training takes effect when the run is saved.

    Args:
        config: the settings.
        progress: called with a line of text at the start of each step.

    Returns:
        The saved run.

    Raises:
        GalleryError: a name, setting, hyperparameter or file is wrong, or the loss diverged.
        KeyboardInterrupt: Ctrl-C was pressed before the end of the first epoch, or twice after the training: nothing
            is saved. Or it was pressed once after the training: the run is saved.
    """
    config, recipe = check(config)
    own = config.source
    progress(f"Loading the dataset {config.dataset}" if own is None else f"Reading {own.record()['data']}")
    task = task_of(config, recipe)
    if own is not None:
        progress(f"Read {summary(task.dataset)}")
        for note in task.dataset.notes:
            progress(note)
    config = replace(config, hyperparameters=_hyperparameters(config, recipe, task))
    keras.utils.set_random_seed(config.seed)  # makes the training on a CPU reproducible to the last bit
    model = create(config.model, **config.hyperparameters)

    progress(f"Training for {config.epochs} epoch{'s' if config.epochs != 1 else ''}")
    started = time.perf_counter()
    best = _fit(model, task, config)
    seconds = time.perf_counter() - started
    epochs_done = len(best.history["loss"])
    if epochs_done < int(config.epochs or 0):
        log.warning("Interrupted after %d of %d epochs: saving epoch %d", epochs_done, config.epochs, best.epoch)

    with interrupt_at_end():  # so that Ctrl-C does not lose the result of the training
        run = _evaluate_and_save(config, recipe, task, best, seconds, progress)
    return run


def _evaluate_and_save(
    config: TrainConfig,
    recipe: Recipe,
    task: Task,
    best: BestWeights,
    seconds: float,
    progress: Callable[[str], None],
) -> Run:
    """Computes the metrics of the trained model, and saves the run. `seconds` is the time of the training."""
    epochs_done = len(best.history["loss"])
    # The new model has no optimizer, so its file is a third as large.
    trained = create(config.model, **config.hyperparameters)
    trained.set_weights(best.weights)
    normalization.finalize(trained)
    progress("Evaluating the model on the test examples")
    metrics = _finite(task.evaluate(trained)) | {
        "parameters": trained.count_params(),
        "seconds": round(seconds, 2),
        "images_per_second": round(task.examples * epochs_done / seconds, 1),
    }
    run_config = asdict(replace(config, root=str(config.root), source=None)) | {
        "source": None if config.source is None else config.source.record(),
        **{key: getattr(recipe, key) for key in RECIPE_SETTINGS},
        "epochs_done": epochs_done,
        "best_epoch": best.epoch,
        "interrupted": epochs_done < int(config.epochs or 0),
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
        if task.dataset.preparation is not None:
            contents["preparation"] = dict(task.dataset.preparation)
        for part, content in contents.items():
            (folder / f"{part}.json").write_text(
                json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        trained.save(folder / "model.keras")
        (folder / "pictures").mkdir()
        task.draw(folder / "pictures", trained, best)

    return Run.load(save_run(config.root, config.model, write))


def _finite(metrics: dict[str, float]) -> dict[str, float]:
    """Returns the metrics without those that are not finite, such as r2 if all targets are equal."""
    undefined = [name for name, value in metrics.items() if not math.isfinite(value)]
    if undefined:
        log.warning("Not defined on these test examples: %s", ", ".join(undefined))
    return {name: value for name, value in metrics.items() if name not in undefined}


def task_of(config: TrainConfig, recipe: Recipe) -> Task:
    """Returns the recipe's task with the dataset of a resolved `config`.

    Raises:
        GalleryError: the dataset cannot be loaded, or the task cannot use it.
    """
    if config.source is None:
        dataset = data.load(str(config.dataset))
    else:
        dataset = read(config.source, config.model, recipe, config.seed)
    return TASKS[recipe.task](recipe, dataset, config.seed)


def _hyperparameters(config: TrainConfig, recipe: Recipe, task: Task) -> dict[str, Any]:
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


def _fit(model: keras.Model, task: Task, config: TrainConfig) -> BestWeights:
    recipe, epochs, batch_size = task.recipe, int(config.epochs or 0), int(config.batch_size or 0)
    task.prepare(model)
    batches = task.batches(model, batch_size, config.seed)
    is_generated = isinstance(batches["x"], keras.utils.PyDataset)
    steps = epochs * (len(batches["x"]) if is_generated else math.ceil(len(task.training.x) / batch_size))
    model.compile(
        OPTIMIZERS[recipe.optimizer](
            _learning_rate(float(config.learning_rate or 0), recipe, steps), global_clipnorm=recipe.clipnorm or None
        ),
        **task.loss(),
        **compile_options(recipe.xla),
    )
    # Otherwise, TensorFlow creates the variables of the optimizer in the first step, and then traces the step again.
    model.optimizer.build(model.trainable_variables)
    best = BestWeights()
    try:
        with interrupt_between_steps() as interrupt:
            model.fit(
                **batches,
                validation_data=task.validation(model),
                validation_batch_size=VALIDATION_BATCH,
                epochs=epochs,
                callbacks=[best, *task.callbacks(model), *getattr(batches["x"], "callbacks", ()), interrupt],
                verbose=1 if sys.stdout.isatty() else 2,
            )
    except KeyboardInterrupt:
        if best.weights is None:
            raise
    return best


def compile_options(xla: bool) -> dict[str, Any]:
    """Returns the arguments of `Model.compile` that make training fast (see `benchmarks/train.py`).

    Args:
        xla: whether to compile steps with XLA on TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        return {}
    return {"jit_compile": xla, "steps_per_execution": STEPS_PER_EXECUTION if xla else 1}


def _learning_rate(rate: float, recipe: Recipe, steps: int) -> Any:
    if recipe.schedule == "constant":
        return rate
    warmup_steps = round(recipe.warmup * steps)
    if not warmup_steps:
        return keras.optimizers.schedules.CosineDecay(rate, steps)
    decay_steps = steps - warmup_steps
    return keras.optimizers.schedules.CosineDecay(0.0, decay_steps, warmup_target=rate, warmup_steps=warmup_steps)
