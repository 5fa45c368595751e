"""Evaluates a finished run: on its own test examples, or on other data that are read as the run's data."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..preparation.decoding import MAX_BEAM
from .data import dataset as data
from .data.dataset import Dataset, checksum
from .errors import BadData, BadFolder, UnknownRun
from .figures import threshold, words
from .logs import without_retracing_warnings
from .recipe import Recipe
from .runs import Run
from .sources.prepared import Known, read_prepared
from .sources.read import read
from .sources.source import OPTIONS, Source, real, source_of
from .tasks import TASKS, Task
from .tasks.translation import Translation

RECIPE_FIELDS = ("task", "loss", "optimizer", "schedule", "warmup", "binarize", "shift", "mirror", "clipnorm")


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a run on data.

    Attributes:
        run: the run.
        data: name of the data.
        examples: number of examples.
        metrics: the metrics by name, as in the run's metrics.json.
        notes: lines that say what differs from the training data, such as unknown categories.
    """

    run: Run
    data: str
    examples: int
    metrics: Mapping[str, float]
    notes: tuple[str, ...]
    task: Task

    def lines(self) -> list[str]:
        """Returns the notes, and then the metrics in words, beside the metrics of simple methods."""
        name = str(self.task.recipe.task)
        saved = (self.run.preparation or {}).get("threshold")
        return [*self.notes, *words.table(name, self.metrics), *words.threshold_lines(self.metrics, saved)]

    def others(self) -> dict[str, float]:
        """Returns the metrics that `lines` does not have."""
        return words.rest(str(self.task.recipe.task), self.metrics)

    def to_json(self) -> dict[str, Any]:
        """Returns the contents of metrics.json."""
        content = {"run": str(self.run.folder), "data": self.data, "examples": self.examples}
        return {**content, "metrics": dict(self.metrics), "notes": list(self.notes)}

    def save(self, folder: str | Path) -> None:
        """Writes `metrics.json` and the pictures of the task into a folder.

        Raises:
            BadFolder: the folder cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self.to_json(), indent=2)
            (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
            with without_retracing_warnings():
                self.task.draw_examples(folder, self.run.model)
        except OSError as error:
            raise BadFolder(f"Cannot write to the folder {folder}: {error.strerror or error}.") from None


def evaluate(
    run: Run,
    source: Source | None = None,
    *,
    anomalies: bool = False,
    beam: int | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Evaluation:
    """Computes the metrics of a run's model on other data, or on its own test examples.

    The data are read as the run's data: nothing is derived from them. The simple methods that the model is compared
    with have the parameters that the training saved.

    Args:
        run: the run.
        source: the data; by default, the data of the run, of which the test examples are used.
        anomalies: whether the examples are anomalies, for a model with a score. Then the metrics say how many of them
            are found.
        beam: for models that generate texts: number of texts that a beam search keeps, from 1 to 16. The metrics then
            also have the errors of the texts that it finds.
        progress: called with a line of text at the start of each step.

    Raises:
        GalleryError: the data cannot be read, have other classes than the run, or the run's own data are gone. Or the
            model has no score for anomalies, or generates no texts for a beam search.
    """
    recipe = recipe_of(run)
    if beam is not None:
        if not issubclass(TASKS[recipe.task], Translation):
            raise BadData(f"{run.config['model']} generates no texts. Leave out --beam.")
        if not 1 <= beam <= MAX_BEAM:
            raise BadData(f"Expected a beam from 1 to {MAX_BEAM}. Received: {beam}.")
    if anomalies and source is None:
        raise BadData("Name the data of the anomalies: --data PATH.")
    yardsticks = run.yardsticks
    if source is None or yardsticks is None:
        progress("Reading the data of the run")
        task = _own_task(run, recipe)
        yardsticks = yardsticks or dict(task.yardsticks)
    if source is not None:
        progress(f"Reading {source.record()['data']}")
        dataset = read_prepared(source, _known(run, recipe, yardsticks))
        task = TASKS[recipe.task](recipe, dataset, run.config["seed"])
    task.yardsticks = yardsticks
    progress(f"Evaluating the model on {len(task.dataset.x_test):,} examples")
    found = task.evaluate(run.model) | _scores(run, task, yardsticks, source is not None, anomalies)
    if beam is not None and isinstance(task, Translation):
        progress(f"Generating texts with a beam of {beam}")
        found |= task.evaluate_beam(run.model, beam)
    finite = {name: value for name, value in found.items() if math.isfinite(value)}
    metrics = {name: value if isinstance(value, int) else float(value) for name, value in finite.items()}
    notes = (*_same_data(run, source), *(task.dataset.notes if source is not None else ()))
    return Evaluation(run, task.dataset.name, len(task.dataset.x_test), metrics, notes, task)


def recipe_of(run: Run) -> Recipe:
    """Returns the recipe with the settings that the run was trained with."""
    config = run.config
    try:
        settings = {name: config[name] for name in (*RECIPE_FIELDS, "dataset", "learning_rate", "epochs", "batch_size")}
        return Recipe(**settings, hyperparameters=config["hyperparameters"])
    except KeyError as error:
        raise UnknownRun(f"The file {run.folder / 'config.json'} has no {error}.") from None


def _own_task(run: Run, recipe: Recipe) -> Task:
    """Returns the task with the data that the run was trained on.

    Raises:
        GalleryError: the data are gone, or have changed.
    """
    config, seed = run.config, run.config["seed"]
    if config.get("source") is None:
        return TASKS[recipe.task](recipe, data.load(config["dataset"]), seed)
    paths = config.get("paths") or {}
    if "data" not in paths or ("test" in config["source"] and "test" not in paths):
        raise BadData("The run was trained on data in memory, which are gone. Pass data to evaluate it on.")
    gone = next((path for path in paths.values() if not os.path.exists(path)), None)
    if gone is not None:
        raise BadData(f"The data of the run are gone: {gone}. Name other data with --data.")
    options = {name: value for name, value in {**config["source"], **paths}.items() if name in OPTIONS}
    if "size" in options:
        options["size"] = tuple(options["size"])
    dataset = read(source_of(paths["data"], options), config["model"], recipe, seed)
    preparation = {name: value for name, value in (run.preparation or {}).items() if name != "threshold"}
    is_same = _plain(dataset.preparation or {}) == preparation and list(dataset.labels) == config["labels"]
    found = checksum(dataset.x_test, dataset.y_test)
    if not is_same or dict(dataset.texts) != run.tokens or found != config.get("test_checksum", found):
        raise BadData(f"The data in {paths['data']} have changed since the training. Name data with --data.")
    return TASKS[recipe.task](recipe, dataset, seed)


def _known(run: Run, recipe: Recipe, yardsticks: Mapping[str, Any]) -> Known:
    config = run.config
    if "shapes" not in config:  # a run of an older version of this package
        dataset: Dataset = _own_task(run, recipe).dataset
        config = config | {"shapes": {"x": dataset.x_test.shape[1:], "y": dataset.y_test.shape[1:]}}
    return Known(
        model=config["model"],
        recipe=recipe,
        preparation=None if config.get("source") is None else run.preparation,
        labels=tuple(config["labels"]),
        texts=run.tokens,
        x_shape=tuple(config["shapes"]["x"]),
        y_shape=tuple(config["shapes"]["y"]),
        season=int(yardsticks.get("season", 1)),
        options=config.get("source") or {},
    )


def _scores(run: Run, task: Task, yardsticks: Mapping[str, Any], is_other: bool, anomalies: bool) -> dict[str, float]:
    """Returns the metrics of the score: for other data, the share of the examples above the threshold."""
    saved = (run.preparation or {}).get("threshold")
    limit = None if saved is None else float(saved["value"])
    if not anomalies and limit is None:
        return {}
    scores = task.scores(run.model, task.dataset.x_test)
    if scores is None:
        raise BadData(f"{run.config['model']} has no score for anomalies. Train an autoencoder.")
    if not anomalies:
        return {"above_threshold": threshold.share_above(scores, float(limit or 0))}
    normal = yardsticks.get("test_scores")
    if normal is None:
        own = _own_task(run, task.recipe)
        normal = own.scores(run.model, own.dataset.x_test)
    return threshold.anomalies(scores, np.asarray(normal), limit)


def _same_data(run: Run, source: Source | None) -> tuple[str, ...]:
    """Returns a note if the data are the training data."""
    paths = run.config.get("paths") or {}
    if source is None or source.path is None or str(real(source.path)) != paths.get("data"):
        return ()
    return ("These are the training data. Leave out --data to evaluate the run on its test examples",)


def _plain(content: Any) -> Any:
    return json.loads(json.dumps(content))
