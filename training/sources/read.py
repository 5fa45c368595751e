"""Reads a user's own data as a dataset for a model. The recipe's task and the kind of the data select the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...models.registry import describe
from ..data.dataset import Dataset
from ..data.series import Series
from ..errors import BadData
from ..recipe import Recipe
from . import arrays, series, tables, tags, texts
from .memory import joined
from .needs import form_of, forms, kind_of
from .source import Source
from .table import listed

MOST_NAMES = 6  # names in the summary

READERS: dict[str, Callable[[Source, str, str, str, int], Dataset]] = {
    "table": tables.read_table_dataset,
    "categories": tables.read_table_dataset,
    "series": series.read_series,
    "texts": texts.read_texts,
    "tags": tags.read_tagged,
    "pairs": texts.read_pairs,
    "lines": texts.read_sentences,
}


def check(source: Source, model: str, recipe: Recipe) -> None:
    """Checks that a model takes this kind of data, and that the files exist. Reads no data.

    Raises:
        BadData: the model takes other data, a file does not exist, or an option has no effect.
    """
    form_of(joined(source), model, recipe)


def read(source: Source, model: str, recipe: Recipe, seed: int) -> Dataset:
    """Reads a user's own data as a dataset for a model.

    Args:
        source: the data and the options.
        model: name of the model.
        recipe: the recipe; its task says which targets the model needs.
        seed: seed of the split into training, validation and test examples.

    Raises:
        BadData: the data cannot be read, or the model cannot use them. The message says what the model needs.
    """
    dataset = _read(joined(source), model, recipe, seed)
    numbers = dataset.y_train.shape[1] if recipe.task == "regress" else 1
    if numbers > 1 and "outputs" not in describe(model).parameters:
        raise BadData(f"{model} predicts one number. Received: {numbers} ({listed(dataset.labels)}).")
    return dataset


def _read(source: Source, model: str, recipe: Recipe, seed: int) -> Dataset:
    form, accepted = form_of(source, model, recipe), forms(model, recipe)
    kind = kind_of(source.data)
    if kind == "folder":
        from .pictures import read_pictures

        return read_pictures(source, model, recipe, seed)
    if kind in ("table", "lines") or form == "lines":
        return READERS[form](source, form, recipe.task, model, seed)
    return _read_arrays(source, form, accepted, recipe.task, model, seed)


def _read_arrays(source: Source, form: str, accepted: tuple[str, ...], task: str, model: str, seed: int) -> Dataset:
    if form == "series" and "sequences" not in accepted:
        return series.read_series(source, form, task, model, seed)
    loaded = arrays.load_all(source, accepted)
    if form == "series" and "y" not in loaded and loaded["x"].ndim < 3:
        return series.read_series(source, form, task, model, seed)
    if form in arrays.WIDTHS and not (form == "table" and loaded["x"].ndim > 2):
        return READERS[form](arrays.as_frames(source, form, loaded), form, task, model, seed)
    return arrays.read_array_dataset(source, loaded, task, model, seed)


def summary(dataset: Dataset) -> str:
    """Returns what was read, in one line: the numbers of examples, the classes and the columns."""
    held_out = None if dataset.validation is None else len(dataset.validation)
    training = len(dataset.x_train) - (held_out or 0)
    validation = f", {held_out:,} validation" if held_out else ""
    tests = len(dataset.x_test)
    if dataset.stream is not None:
        sizes = dataset.stream.details()
        training, validation, tests = sizes["training"], f", {sizes['validation']:,} validation", sizes["test"]
    parts = [f"{training:,} training{validation} and {tests:,} test examples"]
    if isinstance(dataset, Series):
        parts = [f"{len(dataset.values):,} steps of {_listed(dataset.labels)}"]
        parts.append(f"{len(dataset.x_train):,} training and {len(dataset.x_test):,} test windows")
    preparation: Any = dataset.preparation or {}
    if preparation.get("kind") == "table":
        for kind, title in (("number", "numbers"), ("category", "categories")):
            names = [column["name"] for column in preparation["columns"] if column["type"] == kind]
            if names:
                columns = "column" if len(names) == 1 else "columns"
                parts.append(f"{len(names)} {columns} of {title} ({_listed(names)})")
    if preparation.get("kind") == "series":
        step = f" of one {preparation['step']}" if preparation["step"] else ""
        parts.append(f"history {preparation['history']} and horizon {preparation['horizon']} steps{step}")
    if preparation.get("kind") == "pictures":
        parts.append("images of {height} × {width} × {channels}".format(**preparation))
    if dataset.y_train.ndim == 1 and len(dataset.labels) > 1:
        parts.append(f"{len(dataset.labels)} classes ({_listed(dataset.labels)})")
    for role, tokens in dataset.texts.items():
        if role in ("text", "output", "word"):
            parts.append(f"{tokens.size:,} tokens ({role}, split: {tokens.split})")
    return "; ".join(parts)


def _listed(names: Any) -> str:
    return listed(list(names), MOST_NAMES)
