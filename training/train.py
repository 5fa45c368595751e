"""Training: `train(config)` teaches, judges, draws and keeps a model."""

import json
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from ..models import BadHyperparameter, Hyperparameter, create, describe, normalization
from .best_weights import BestWeights
from .data import dataset as data
from .errors import BadFolder
from .interrupt import interrupt_between_steps
from .recipe import Recipe, load_recipe, load_recipes
from .runs import Run, keep
from .tasks import TASKS, Task

log = logging.getLogger(__name__)

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": partial(keras.optimizers.AdamW, weight_decay=0.05),
    "sgd": partial(keras.optimizers.SGD, momentum=0.9),
    "gradient_descent": keras.optimizers.SGD,
}
STEPS_AT_ONCE = 16  # with XLA on TensorFlow
VALIDATION_BATCH = 500
# Of a recipe, as a run tells it.
HOW = ("task", "loss", "optimizer", "schedule", "warmup", "binarize", "shift", "mirror", "clipnorm")

SETTINGS = (
    Hyperparameter("epochs", int, None, "passes over the training examples", minimum=1),
    Hyperparameter("batch_size", int, None, "examples a step", minimum=1),
    Hyperparameter("learning_rate", float, None, "of the optimizer, at the start", minimum=1e-9),
    Hyperparameter("seed", int, 0, "of every random choice", minimum=0, maximum=2**32 - 1),
)


@dataclass(frozen=True)
class TrainConfig:
    """What to train; None stands for what the model's recipe says.

    Attributes:
        model: an architecture's name.
        recipe: a name among the model's recipes; its first by default.
        hyperparameters: the builder's keywords, before the recipe's; the dataset decides shapes and how many classes.
        dataset: a source's name.
        epochs: passes over the training examples, at least 1.
        batch_size: examples a step, at least 1.
        learning_rate: at the start, above 0.
        seed: the same seed gives the same figures.
        root: the run is kept in `<root>/<model>/<number>/`.
    """

    model: str
    recipe: str | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0
    root: str | Path = "runs"


def train(config: TrainConfig, progress: Callable[[str], None] = lambda step: None) -> Run:
    """Trains a model by its recipe and keeps it with its figures and pictures.

    A tenth of the training examples is set apart to choose the best epoch; the test examples serve for the
    figures alone. Everything is checked before it starts, and nothing is written before it ends. Ctrl-C keeps
    the best epoch so far as an interrupted run.

    Args:
        config: what to train.
        progress: called with a line of text at the start of each step.

    Raises:
        GalleryError: what the user can mend: a wrong name, hyperparameter, setting, file or learning rate.
        KeyboardInterrupt: Ctrl-C before the end of the first epoch, or after the last; nothing is written.
    """
    recipe = load_recipe(config.model, config.recipe)
    config = settle(config, recipe)
    _check_writable(Path(config.root, config.model))
    progress(f"Loading the dataset {config.dataset}")
    task = task_of(config, recipe)
    config = replace(config, hyperparameters=_hyperparameters(config, recipe, task))
    keras.utils.set_random_seed(config.seed)  # on a CPU the training then repeats to the last bit
    model = create(config.model, **config.hyperparameters)

    started = time.perf_counter()
    best = _fit(model, task, config)
    seconds = time.perf_counter() - started
    epochs_done = len(best.history["loss"])
    interrupted = epochs_done < int(config.epochs or 0)
    if interrupted:
        log.warning("Interrupted: %d of %d epochs, epoch %d kept", epochs_done, config.epochs, best.epoch)

    # A new model: without the optimizer its file is a third as big.
    trained = create(config.model, **config.hyperparameters)
    trained.set_weights(best.weights)
    normalization.finalize(trained)
    progress("Evaluating the model on the test examples")
    metrics = task.evaluate(trained) | {
        "parameters": trained.count_params(),
        "seconds": round(seconds, 2),
        "images_per_second": round(len(task.seen.x) * epochs_done / seconds, 1),
    }
    facts = asdict(replace(config, root=str(config.root))) | {
        **{key: getattr(recipe, key) for key in HOW},
        "epochs_done": epochs_done,
        "best_epoch": best.epoch,
        "interrupted": interrupted,
        "labels": list(task.dataset.labels),
        "backend": keras.backend.backend(),
        "versions": {"keras": keras.version(), "keras-gallery": version("keras-gallery")},
    }

    def write(folder: Path) -> None:
        progress("Saving the run with its images")
        contents: dict[str, Any] = {"config": facts, "metrics": metrics, "history": best.history}
        if task.dataset.texts:
            contents["tokens"] = {
                role: {"names": tokens.names, "split": tokens.split} for role, tokens in task.dataset.texts.items()
            }
        for part, content in contents.items():
            (folder / f"{part}.json").write_text(
                json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        trained.save(folder / "model.keras")
        (folder / "pictures").mkdir()
        task.draw(folder / "pictures", trained, best)

    return Run.load(keep(config.root, config.model, write))


def settle(config: TrainConfig, recipe: Recipe) -> TrainConfig:
    """The recipe's settings where none is given, all in range."""
    settled: dict[str, Any] = {
        "recipe": config.recipe or next(iter(load_recipes(config.model))),
        "dataset": config.dataset or recipe.dataset,
    }
    for setting in SETTINGS:
        given = getattr(config, setting.name)
        settled[setting.name] = setting.check(getattr(recipe, setting.name) if given is None else given)
    return replace(config, **settled)


def _check_writable(folder: Path) -> None:
    """Tells before the training, without making the folder, whether a run can be kept there."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise BadFolder(f"Expected a folder to keep runs in. Received: {folder}.")


def task_of(config: TrainConfig, recipe: Recipe) -> Task:
    """The recipe on the data of a settled `config`. Raises GalleryError, as `train`."""
    return TASKS[recipe.task](recipe, data.load(str(config.dataset)), config.seed)


def _hyperparameters(config: TrainConfig, recipe: Recipe, task: Task) -> dict[str, Any]:
    """Every hyperparameter of the model, with those that the dataset decides."""
    known = {each.name: each for each in describe(config.model).hyperparameters}
    decided = {name: value for name, value in task.hyperparameters().items() if name in known}
    given = {**decided, **recipe.hyperparameters, **config.hyperparameters}
    for name, value in decided.items():
        if known[name].check(given[name]) != known[name].check(value):
            wanted = known[name].format(value)
            raise BadHyperparameter(f"Expected {name} to be {wanted}, as in {config.dataset}. Received: {given[name]}.")
    return {name: each.default for name, each in known.items()} | given


def _fit(model: keras.Model, task: Task, config: TrainConfig) -> BestWeights:
    recipe, epochs, batch_size = task.recipe, int(config.epochs or 0), int(config.batch_size or 0)
    task.prepare(model)
    batches = task.batches(model, batch_size, config.seed)
    made = isinstance(batches["x"], keras.utils.PyDataset)
    steps = epochs * (len(batches["x"]) if made else math.ceil(len(task.seen.x) / batch_size))
    model.compile(
        OPTIMIZERS[recipe.optimizer](
            _learning_rate(float(config.learning_rate or 0), recipe, steps), global_clipnorm=recipe.clipnorm or None
        ),
        **task.loss(),
        **compile_options(recipe.xla),
    )
    best = BestWeights()
    try:
        with interrupt_between_steps() as interrupt:
            model.fit(
                **batches,
                validation_data=task.validation(model),
                validation_batch_size=VALIDATION_BATCH,
                epochs=epochs,
                callbacks=[best, *task.callbacks(model), interrupt],
                verbose=1 if sys.stdout.isatty() else 2,
            )
    except KeyboardInterrupt:
        if best.weights is None:
            raise
    return best


def compile_options(xla: bool) -> dict[str, Any]:
    """What `Model.compile` is told, beside optimizer and loss, to be fast (see `benchmarks/train.py`).

    Args:
        xla: a recipe's `xla`.
    """
    if keras.backend.backend() != "tensorflow":
        return {}
    return {"jit_compile": xla, "steps_per_execution": STEPS_AT_ONCE if xla else 1}


def _learning_rate(rate: float, recipe: Recipe, steps: int) -> Any:
    if recipe.schedule == "constant":
        return rate
    rising = round(recipe.warmup * steps)
    if not rising:
        return keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.schedules.CosineDecay(0.0, steps - rising, warmup_target=rate, warmup_steps=rising)
