"""Fits a model to the training examples of a task."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np

from ..models import create, normalization
from ..models.layers.gaussian_sample import GaussianSample
from .best_weights import BestWeights
from .data.batches import Batches
from .data.chunks import chunk_size
from .devices import even
from .errors import BadData
from .interrupt import interrupt_between_steps
from .recipe import Recipe
from .settings import TrainConfig
from .tasks import Task

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": partial(keras.optimizers.AdamW, weight_decay=0.05),
    "sgd": partial(keras.optimizers.SGD, momentum=0.9),
    "gradient_descent": keras.optimizers.SGD,
}
STEPS_PER_EXECUTION = 16  # with XLA on TensorFlow
VALIDATION_BATCH = 500
VALIDATION_SEED = 20_240_601  # of the codes that a variational autoencoder samples for its validation loss


class BeginEpoch(keras.callbacks.Callback):
    """Calls a function with the number of each epoch, from 0, before the epoch begins."""

    def __init__(self, begin: Callable[[int], None]) -> None:
        super().__init__()
        self.begin = begin

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begin(epoch)


def build(name: str, hyperparameters: Mapping[str, Any], task: Task) -> keras.Model:
    """Returns a new model of the gallery, with its normalisation layers fitted to the training examples of the task.

    Words have the pre-trained vectors that the recipe names.
    With mixed precision in the recipe, the layers compute with 16 bits. The weights always have 32 bits.
    """
    model = create(name, **hyperparameters)
    task.prepare(model)
    if task.recipe.mixed_precision != "none":
        model = _mixed(name, hyperparameters, model, task.recipe.mixed_precision)
    task.load_vectors(model)
    return model


def _mixed(name: str, hyperparameters: Mapping[str, Any], model: keras.Model, precision: str) -> keras.Model:
    """Returns the same model, whose layers compute with 16 bits."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{precision}")
    try:
        mixed = create(name, **hyperparameters)
    finally:
        keras.config.set_dtype_policy(before)
    mixed.set_weights(model.get_weights())
    normalization.finalize(mixed)
    return mixed


def fit(
    model: keras.Model,
    task: Task,
    config: TrainConfig,
    best: BestWeights,
    callbacks: Callable[[], Sequence[keras.callbacks.Callback]] = tuple,
    restore: Callable[[keras.Model], int] | None = None,
    verbose: int | None = None,
) -> None:
    """Trains a model until the last epoch, until an early stop, or until Ctrl-C.

    The order of the examples and all random changes depend only on the seed and the number of the epoch.

    Args:
        model: the model, not compiled, see `build`.
        task: the task, with the training examples and the recipe.
        config: the checked settings.
        best: the callback that keeps the best weights.
        callbacks: returns further callbacks. It is called after `restore`.
        restore: sets the state of the compiled model, and returns the number of epochs that are already finished.
        verbose: how much Keras prints, see `Model.fit`. The default depends on the terminal.

    Raises:
        GalleryError: the loss diverged, or the recipe does not fit the data.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    recipe, epochs, seed = task.recipe, int(config.epochs or 0), int(config.seed or 0)
    arguments, validation = training_data(model, task, int(config.batch_size or 0), seed)
    stream = arguments["x"] if task.dataset.stream is not None else None
    begin = arguments.pop("begin_epoch", None) or getattr(arguments["x"], "begin_epoch", None)
    arguments["x"], validation, devices = even(arguments["x"], validation)
    model.compile(
        OPTIMIZERS[recipe.optimizer](
            _learning_rate(float(config.learning_rate or 0), recipe, epochs * len(arguments["x"])),
            global_clipnorm=recipe.clipnorm or None,
        ),
        **task.loss(),
        **compile_options(recipe.xla),
    )
    # Otherwise, TensorFlow creates the variables of the optimizer in the first step, and then traces the step again.
    model.optimizer.build(model.trainable_variables)
    first = 0 if restore is None else restore(model)
    if first >= epochs or best.is_early_stop:
        return
    validation_batch = max(devices, chunk_size(task.dataset.shape, VALIDATION_BATCH))
    of_data = [] if begin is None else [BeginEpoch(begin)]
    if stream is not None:
        arguments["x"], of_data = stream.dataset(), stream.callbacks()
    try:
        with interrupt_between_steps() as interrupt, sampled_validation(model):
            model.fit(
                **arguments,
                validation_data=validation,
                validation_batch_size=validation_batch // devices * devices,
                epochs=epochs,
                initial_epoch=first,
                callbacks=[*of_data, best, *callbacks(), *task.callbacks(model), interrupt],
                verbose=(1 if sys.stdout.isatty() else 2) if verbose is None else verbose,
                shuffle=False,
            )
    except Exception:
        if stream is not None and stream.failure is not None:  # the data ended early
            raise stream.failure from None
        raise


@contextmanager
def sampled_validation(model: keras.Model) -> Iterator[None]:
    """Samples the codes of a variational autoencoder in validation, too, so that the validation loss is −ELBO."""
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, GaussianSample)]
    for layer in layers:
        layer.validation_seed = VALIDATION_SEED
    try:
        yield
    finally:
        for layer in layers:
            layer.validation_seed = None
        if layers:
            model.make_test_function(force=True)  # `fit` keeps the function that it has traced
            model.make_predict_function(force=True)


def training_data(model: keras.Model, task: Task, batch_size: int, seed: int) -> tuple[dict[str, Any], Any]:
    """Returns the arguments of `Model.fit` for the training data, and the validation data.

    Raises:
        BadData: the recipe does not fit the data.
    """
    recipe = task.recipe
    if recipe.augment and task.dataset.x_train.ndim != 4:
        raise BadData(
            f"Expected images for {', '.join(recipe.augment)}. Received: inputs of shape {task.dataset.shape}."
        )
    arguments: dict[str, Any] = task.batches(model, batch_size, seed)
    validation: Any = task.validation(model)
    if "batch_size" in arguments:
        arguments = {"x": Batches(**arguments, seed=seed)}
    if recipe.class_weights == "balanced":
        weights = class_weights(task.labels)
        arguments["class_weight"] = weights
        x, y = validation
        validation = (x, y, np.array([weights.get(int(label), 0.0) for label in y], np.float32))
    return arguments, validation


def class_weights(labels: Any) -> dict[int, float]:
    """Returns a weight for each class: n / (k · n_c) for n examples, k classes and n_c examples of the class c."""
    classes, counts = np.unique(labels, return_counts=True)
    return {int(label): len(labels) / (len(classes) * int(n)) for label, n in zip(classes, counts, strict=True)}


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
