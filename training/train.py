"""Training: `train(config)` learns, judges, draws and keeps a model."""

import json
import logging
import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..models import BadHyperparameter, Hyperparameter, create, describe
from ..models.losses import BinaryCrossentropy, SquaredError
from . import data, plots
from .best_weights import BestWeights
from .errors import BadFolder
from .evaluate import Images, add_noise, evaluate, reconstruct
from .interrupt import interrupt_between_steps
from .recipe import Recipe, load_recipe
from .runs import Run, keep

log = logging.getLogger(__name__)

LOSSES = {"squared_error": SquaredError, "binary_crossentropy": BinaryCrossentropy}
OPTIMIZERS = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
VALIDATION_SHARE = 0.1
MOST_VALIDATION_IMAGES = 5_000

SETTINGS = (
    Hyperparameter("epochs", int, None, "passes over the training images", minimum=1),
    Hyperparameter("batch_size", int, None, "images a step", minimum=1),
    Hyperparameter("learning_rate", float, None, "of the optimizer, at the start", minimum=1e-9),
    Hyperparameter("seed", int, 0, "of every random choice", minimum=0, maximum=2**32 - 1),
)


@dataclass(frozen=True)
class TrainConfig:
    """What to train; None stands for what the model's recipe says.

    Attributes:
        model: an architecture's name.
        hyperparameters: the builder's keywords; `image_shape` is the dataset's unless it is given.
        dataset: a source's name.
        epochs: passes over the training images, at least 1.
        batch_size: images a step, at least 1.
        learning_rate: at the start, above 0.
        seed: the same seed gives the same figures.
        root: the run is kept in `<root>/<model>/<number>/`.
    """

    model: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0
    root: str | Path = "runs"


def train(config: TrainConfig) -> Run:
    """Trains a model by its recipe and keeps it with its figures and pictures.

    A tenth of the training images is set apart to choose the best epoch; the test images serve for the
    figures alone. Everything is checked before it starts, and nothing is written before it ends. Ctrl-C keeps
    the best epoch so far as an interrupted run.

    Raises:
        GalleryError: what the user can mend: a wrong name, hyperparameter, setting, file or learning rate.
        KeyboardInterrupt: Ctrl-C before the end of the first epoch, or after the last; nothing is written.
    """
    recipe = load_recipe(config.model)
    config = _settle(config, recipe)
    _check_writable(Path(config.root, config.model))
    dataset = data.load(str(config.dataset))
    config = replace(config, hyperparameters=_hyperparameters(config, dataset.image_shape))
    _seed(config.seed)
    model = create(config.model, **config.hyperparameters)

    started = time.perf_counter()
    best, images = _fit(model, dataset.x_train, config, recipe)
    seconds = time.perf_counter() - started
    epochs_done = len(best.history["loss"])
    interrupted = epochs_done < int(config.epochs or 0)
    if interrupted:
        log.warning("Interrupted: %d of %d epochs, epoch %d kept", epochs_done, config.epochs, best.epoch)

    # A new model: without the optimizer its file is a third as big.
    trained = create(config.model, **config.hyperparameters)
    trained.set_weights(best.weights)
    metrics = evaluate(trained, dataset, recipe.task) | {
        "parameters": trained.count_params(),
        "seconds": round(seconds, 2),
        "images_per_second": round(images * epochs_done / seconds, 1),
    }
    facts = asdict(replace(config, root=str(config.root))) | {
        "task": recipe.task,
        "loss": recipe.loss,
        "optimizer": recipe.optimizer,
        "schedule": recipe.schedule,
        "epochs_done": epochs_done,
        "best_epoch": best.epoch,
        "interrupted": interrupted,
        "backend": keras.backend.backend(),
        "versions": {"keras": keras.version(), "keras-gallery": version("keras-gallery")},
    }

    def write(folder: Path) -> None:
        for part, content in (("config", facts), ("metrics", metrics), ("history", best.history)):
            (folder / f"{part}.json").write_text(
                json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        trained.save(folder / "model.keras")
        _draw(folder / "pictures", trained, dataset, recipe, best)

    return Run.load(keep(config.root, config.model, write))


def _settle(config: TrainConfig, recipe: Recipe) -> TrainConfig:
    """The recipe's settings where none is given, all in range."""
    settled: dict[str, Any] = {"dataset": config.dataset or recipe.dataset}
    for setting in SETTINGS:
        given = getattr(config, setting.name)
        settled[setting.name] = setting.check(getattr(recipe, setting.name) if given is None else given)
    return replace(config, **settled)


def _check_writable(folder: Path) -> None:
    """Tells before the training, without making the folder, whether a run can be kept there."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise BadFolder(f"Expected a folder to keep runs in. Received: {folder}.")


def _hyperparameters(config: TrainConfig, image_shape: tuple[int, ...]) -> dict[str, Any]:
    """Every hyperparameter of the model, with the dataset's image shape."""
    known = {each.name: each for each in describe(config.model).hyperparameters}
    given = {"image_shape": image_shape, **config.hyperparameters}
    if known["image_shape"].check(given["image_shape"]) != image_shape:
        wanted = known["image_shape"].format(image_shape)
        raise BadHyperparameter(
            f"Expected image_shape to be {wanted}, as in {config.dataset}. Received: {given['image_shape']}."
        )
    return {name: each.default for name, each in known.items()} | given


def _seed(seed: int) -> None:
    """Makes the training repeatable to the last bit."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _fit(model: keras.Model, images: Images, config: TrainConfig, recipe: Recipe) -> tuple[BestWeights, int]:
    """Fits the model; returns its best weights and how many images an epoch saw."""
    order = np.random.default_rng(config.seed).permutation(len(images))
    held_out = min(math.ceil(VALIDATION_SHARE * len(images)), MOST_VALIDATION_IMAGES)
    chosen, seen = images[order[:held_out]], images[order[held_out:]]
    shown = add_noise(model, chosen) if recipe.task == "denoise" else chosen

    epochs, batch_size = int(config.epochs or 0), int(config.batch_size or 0)
    rate: Any = config.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, epochs * math.ceil(len(seen) / batch_size))
    model.compile(OPTIMIZERS[recipe.optimizer](rate), LOSSES[recipe.loss]())
    best = BestWeights()
    try:
        with interrupt_between_steps() as interrupt:
            model.fit(
                seen,
                seen,
                validation_data=(shown, chosen),
                epochs=epochs,
                batch_size=batch_size,
                callbacks=[best, interrupt],
                verbose=1 if sys.stdout.isatty() else 2,
            )
    except KeyboardInterrupt:
        if best.weights is None:
            raise
    return best, len(seen)


def _draw(folder: Path, model: keras.Model, dataset: data.Dataset, recipe: Recipe, best: BestWeights) -> None:
    folder.mkdir()
    plots.learning_curve(folder / "learning_curve.png", f"{model.name}, {dataset.name}", best.history, best.epoch)
    clean = dataset.x_test[np.unique(dataset.y_test, return_index=True)[1][:10]]  # one of each label
    title = f"{model.name}, test images of {dataset.name}"
    if recipe.task == "denoise":
        shown = add_noise(model, clean)
        before, row = {"clean": clean, "noisy": shown}, "denoised"
    else:
        shown = clean
        before, row = {"image": clean}, "reconstructed"
    codes = reconstruct(model.get_layer("encoder"), shown)
    after = {row: reconstruct(model, shown)}
    plots.image_strip(folder / f"{row}.png", title, before, codes, after)
