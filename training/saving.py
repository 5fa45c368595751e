"""Evaluates a trained model, and saves the run with its metrics and pictures."""

import json
import logging
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..models import create, normalization
from .best_weights import BestWeights
from .data import dataset as data
from .data.example_inputs import example_inputs
from .errors import BadFolder
from .figures import threshold
from .fingerprint import code_of
from .logs import without_retracing_warnings
from .recipe import Recipe
from .runs import YARDSTICKS, Run, save_run
from .settings import TrainConfig
from .tasks import Task

log = logging.getLogger(__name__)

# Settings of a recipe that are saved in the run's config.json.
RECIPE_SETTINGS = (
    *("task", "loss", "optimizer", "schedule", "warmup", "binarize", "shift", "mirror", "clipnorm"),
    *("patience", "augment", "class_weights", "mixed_precision", "freeze_vectors"),
)
OUTPUTS = ("root", "tensorboard", "csv_log")  # settings that are paths


def evaluate_and_save(
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
    preparation, of_threshold = _with_threshold(config, task, trained, progress)
    what = "images" if task.dataset.x_test.ndim == 4 else "examples"
    metrics = (
        finite(task.evaluate(trained))
        | of_threshold
        | {
            "parameters": trained.count_params(),
            "seconds": round(seconds, 2),
            f"{what}_per_second": round(task.examples * epochs_done / seconds, 1),
        }
    )
    outputs = {name: None if (value := getattr(config, name)) is None else str(value) for name in OUTPUTS}
    run_config = asdict(replace(config, source=None, vectors=None, resume=False)) | {
        **outputs,
        "vectors": None if task.vectors is None else task.vectors.record(),
        "source": None if config.source is None else config.source.record(),
        "paths": {} if config.source is None else config.source.paths(),
        "test_checksum": None if config.source is None else data.checksum(task.dataset.x_test, task.dataset.y_test),
        "shapes": {"x": task.dataset.x_test.shape[1:], "y": task.dataset.y_test.shape[1:]},
        **{key: getattr(recipe, key) for key in RECIPE_SETTINGS},
        "epochs_done": epochs_done,
        "best_epoch": best.epoch,
        "interrupted": is_interrupted,
        "labels": list(task.dataset.labels),
        **_details(task.dataset),
        "backend": keras.backend.backend(),
        "versions": {"keras": keras.version(), "keras-gallery": version("keras-gallery"), "numpy": np.__version__}
        | {keras.backend.backend(): sys.modules[keras.backend.backend()].__version__},
        "code": code_of(config.model, task.dataset.name) if config.source is None else None,
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
        if inputs := example_inputs(task.dataset):
            contents["inputs"] = inputs
        for part, content in contents.items():
            (folder / f"{part}.json").write_text(
                json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        yardsticks: dict[str, Any] = dict(task.saved_yardsticks(trained))
        np.savez_compressed(folder / YARDSTICKS, **yardsticks)
        trained.save(folder / "model.keras")
        (folder / "pictures").mkdir()
        with without_retracing_warnings():
            task.draw(folder / "pictures", trained, best)

    try:
        return Run.load(save_run(config.root, config.model, write))
    except OSError as error:
        raise BadFolder(f"Cannot save the run in {config.home}: {error.strerror or error}.") from None


def _with_threshold(
    config: TrainConfig, task: Task, model: keras.Model, progress: Callable[[str], None]
) -> tuple[Mapping[str, Any] | None, dict[str, float]]:
    """Returns the preparation of the dataset with the threshold of the score, and the metrics of the threshold.

    There is a threshold if the model has a score, and if the data are the user's own or a rate of false alarms is set.
    A warning is passed to `progress` if there are too few examples for the rate.
    """
    preparation = task.dataset.preparation
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
    return {**(preparation or {"kind": "arrays"}), "threshold": chosen}, {
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


def _details(dataset: data.Dataset) -> dict[str, Any]:
    """Returns facts about data of the user's own for the run's config, with the pictures that were skipped."""
    details = dataset.details if dataset.stream is None else dataset.stream.details()
    return {} if details is None else {"examples": dict(details)}
