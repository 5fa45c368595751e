"""Reads other data exactly as the data of a finished run: the same columns, categories, classes, tokens and sizes.

Nothing is derived from the new data. A class that the run does not have is an error, as is a category that becomes
one-hot values. An unknown category of a model with entity embeddings becomes the id 1, and an unknown word, too; they
are counted in `Dataset.notes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...preparation.splits import PADDING, UNKNOWN
from ..data.dataset import Dataset
from ..data.series import Series, windows
from ..data.tokens import Tokens
from ..errors import BadData
from ..recipe import Recipe
from . import arrays, columns, tags, texts
from .memory import Arrays, joined
from .needs import form_of, forms, kind_of
from .series import steps_of
from .source import Source
from .table import listed, shown, text_of
from .tables import open_table


@dataclass(frozen=True)
class Known:
    """What a run says about its data.

    Attributes:
        model: name of the model.
        recipe: the recipe of the training.
        preparation: contents of preparation.json, or None.
        labels: names of the classes, or of the target values.
        texts: the vocabularies, by role.
        x_shape: shape of an input.
        y_shape: shape of a target.
        season: seasonal period of a series in steps.
        options: the options of the training data, such as the column `text`.
    """

    model: str
    recipe: Recipe
    preparation: Mapping[str, Any] | None
    labels: tuple[str, ...]
    texts: Mapping[str, Tokens]
    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    season: int
    options: Mapping[str, Any]


def read_prepared(source: Source, known: Known) -> Dataset:
    """Reads data as the run's preparation says. All examples are test examples; the training part is empty.

    Raises:
        BadData: the data cannot be read, are in another form than the run's data, or have unknown classes.
    """
    form = form_of(joined(source), known.model, known.recipe)
    kind = kind_of(source.data)
    if source.time is not None and (known.preparation or {}).get("kind") != "series":
        raise BadData("The option time has no effect: the run was not trained on a series.")
    if kind == "folder":
        from .prepared_pictures import read_prepared_pictures

        return read_prepared_pictures(source, known)
    if kind == "table" and (known.preparation or {}).get("kind") == "pictures":
        raise BadData(f"The run was trained on pictures, and {source.title} is a table. Name a folder of pictures.")
    source = _with_columns(joined(source), known)
    accepted = forms(known.model, known.recipe)
    if form == "series" and ("sequences" not in accepted or (known.preparation or {}).get("kind") == "series"):
        return _series(source, known)
    if form == "lines":
        return _sentences(source, known)
    if kind != "table":
        loaded = arrays.load_all(source, accepted)
        if form not in arrays.WIDTHS or (form == "table" and loaded["x"].ndim > 2):
            return _arrays(source, loaded, known)
        source = _with_columns(arrays.as_frames(source, form, loaded), known)
    readers: dict[str, Callable[[Source, Known], Dataset]] = {"texts": _texts, "tags": _tags, "pairs": _pairs}
    return readers.get(form, _table)(source, known)


def _with_columns(source: Source, known: Known) -> Source:
    """Returns the source with the names of the columns of the run's data."""
    preparation, given = known.preparation or {}, dict(known.options)
    changes: dict[str, Any] = {name: given[name] for name in ("text", "label") if name in given}
    if preparation.get("kind") == "series":
        changes |= {"time": source.time or preparation.get("time")}
        changes |= {"value": tuple(column["name"] for column in preparation["columns"])}
    if preparation.get("kind") == "table":
        changes["target"] = tuple(preparation["target"])
    return replace(source, **changes)


def dataset_of(source: Source, known: Known, x: NDArray[Any], y: NDArray[Any], notes: tuple[str, ...] = ()) -> Dataset:
    """Returns a dataset whose examples are all test examples."""
    return Dataset(**_arguments(source, known, x, y, notes))


def _arguments(source: Source, known: Known, x: NDArray[Any], y: NDArray[Any], notes: tuple[str, ...]) -> Any:
    return {
        "name": source.title,
        "x_train": np.empty((0, *x.shape[1:]), x.dtype),
        "y_train": np.empty((0, *y.shape[1:]), y.dtype),
        "x_test": x,
        "y_test": y,
        "source": source.title,
        "labels": known.labels,
        "texts": known.texts,
        "validation": np.empty(0, np.int64),
        "preparation": known.preparation,
        "notes": notes,
    }


def _table(source: Source, known: Known) -> Dataset:
    is_class, preparation = known.recipe.task == "classify", known.preparation or {}
    has_ids = known.recipe.task == "regress_entities"
    # For a dataset of the gallery with named columns, the labels are the names of the targets.
    target = source.target or (known.labels if has_ids else arrays.target_names(1 if is_class else len(known.labels)))
    if not preparation and not has_ids:  # a dataset of the gallery: its columns have no names
        numbers = [{"name": f"feature_{number}", "type": "number"} for number in range(1, known.x_shape[0] + 1)]
        preparation = {"columns": numbers}
    table = open_table(source.data, source, None if has_ids else target if is_class else ())
    if not len(table):
        raise BadData(f"{table.name} has no rows.")
    for name in target:
        table.check_column(name, "a target of the training data")
    if has_ids:
        described = {column["name"]: column for column in preparation.get("columns", ())}
        missing = next((each["missing"] for each in described.values() if each.get("missing")), None)
        x: NDArray[Any] = columns.encode_ids(table, dict(known.texts), missing)
    else:
        x = columns.encode(table, preparation["columns"])
    if is_class:
        y: NDArray[Any] = columns.positions(table, target[0], known.labels)
    else:
        y = columns.targets(table, target, known.model)
    return dataset_of(source, known, x, y, _unknown_categories(x, known) if has_ids else ())


def _unknown_categories(x: NDArray[Any], known: Known) -> tuple[str, ...]:
    counts = {name: int((column == UNKNOWN).sum()) for name, column in zip(known.texts, x.T, strict=True)}
    return tuple(
        f"{count:,} of {len(x):,} rows have a category of {name} that the training data do not have"
        for name, count in counts.items()
        if count
    )


def _unknown_tokens(ids: NDArray[Any], what: str) -> tuple[str, ...]:
    share = float((ids == UNKNOWN).sum() / max(1, (ids != PADDING).sum()))
    return (f"{share:.1%} of the tokens of the {what} are not in the vocabulary of the run",) if share else ()


def _texts(source: Source, known: Known) -> Dataset:
    text, label = (texts.column_of(source, option) for option in ("text", "label"))
    table = open_table(source.data, source, (text, label))
    found = texts.texts_of(table, text)
    table.check_column(label, "the classes of the training data")
    x = known.texts["text"].ids(found.tolist(), known.x_shape[0])
    y = columns.positions(table, label, known.labels)
    return dataset_of(source, known, x, y, _unknown_tokens(x, "texts"))


def _tags(source: Source, known: Known) -> Dataset:
    names = [texts.column_of(source, option) for option in ("text", "label")]
    table = open_table(source.data, source, tuple(names))
    x, y = tags.read_rows(table, names, known.texts["text"], known.labels, known.x_shape[0])
    return dataset_of(source, known, x, y, _unknown_tokens(x, "texts"))


def _pairs(source: Source, known: Known) -> Dataset:
    names = [texts.column_of(source, option) for option in ("text", "label")]
    table = open_table(source.data, source, tuple(names))
    lengths = (known.x_shape[0], known.y_shape[0])
    x, y = (
        known.texts[role].ids(texts.texts_of(table, name).tolist(), length)
        for role, name, length in zip(("text", "output"), names, lengths, strict=True)
    )
    return dataset_of(source, known, x, y, _unknown_tokens(x, "texts") + _unknown_tokens(y, "texts to write"))


def _sentences(source: Source, known: Known) -> Dataset:
    ids = known.texts["word"].ids(texts.sentences_of(source.data, source))
    useful = ids[(ids > UNKNOWN).sum(axis=1) > 1]
    if not len(useful):
        raise BadData(f"No sentence of {source.title} has two words that the run knows.")
    return dataset_of(source, known, useful, np.zeros(len(useful), np.int64), _unknown_tokens(ids, "sentences"))


def _series(source: Source, known: Known) -> Dataset:
    preparation = known.preparation or {}
    steps = steps_of(source)
    history, features = known.x_shape
    is_forecast = known.recipe.task == "forecast"
    horizon = known.y_shape[0] if is_forecast else known.y_shape[0] // features
    if steps.values.shape[1] != features:
        raise BadData(f"The run has {features} columns of values. Received: {listed(steps.names)} in {source.title}.")
    if preparation.get("step") and steps.times and steps.times.step != preparation["step"]:
        raise BadData(
            f"The steps of {source.title} are one {steps.times.step} each. The run was trained on steps of one "
            f"{preparation['step']}."
        )
    start = max(history, known.season) if is_forecast else history
    if len(steps.values) < start + horizon:
        raise BadData(
            f"{source.title} has {len(steps.values)} steps, fewer than the history of {start} and the horizon of "
            f"{horizon}."
        )
    values = steps.values.astype(np.float32)
    examples = windows(values[start - history :], history, horizon)
    if not is_forecast:
        return dataset_of(source, known, examples.x, examples.y.reshape(len(examples.y), -1))
    notes = ("ARIMA and exponential smoothing are fitted to the training series, so they are left out",)
    arguments = _arguments(source, known, examples.x, examples.y, notes)
    times = steps.times.values if steps.times else None
    return Series(**arguments, values=values, test_start=start, season=known.season, arima={}, ets={}, times=times)


def _arrays(source: Source, loaded: Arrays, known: Known) -> Dataset:
    """Returns images or sequences, with their classes, numbers, masks, boxes or captions."""
    task = known.recipe.task
    x = arrays.sequences_of(loaded["x"], "x") if len(known.x_shape) == 2 else arrays.images_of(loaded["x"], "x")
    if x.shape[1:] != known.x_shape:
        raise BadData(f"The run has inputs of the shape {known.x_shape}. Received: x with the shape {x.shape}.")
    y = loaded.get("y")
    if task in ("reconstruct", "denoise", "generate", "colorize"):
        return dataset_of(source, known, x, np.zeros(len(x), np.int64))
    if y is None:
        raise BadData(f"{known.model} needs targets: arrays x and y.")
    if task == "caption":
        words = [text_of(each) or "" for each in arrays.flat_targets(y)]
        ids = known.texts["output"].ids(words, known.y_shape[0])
        return dataset_of(source, known, x, ids, _unknown_tokens(ids, "captions"))
    if task in ("segment", "detect"):
        targets, names, _ = arrays.areas_of(y, task, known.model)
        if len(names) > len(known.labels):
            raise BadData(f"The run has {len(known.labels)} classes. Received: {len(names)} classes in y.")
        return dataset_of(source, known, x, targets)
    if task == "regress":
        numbers = y.reshape(len(y), -1).astype(np.float32)
        if numbers.shape[1:] != known.y_shape or not np.isfinite(numbers).all():
            raise BadData(f"The run has {known.y_shape[0]} finite targets. Received: {y.dtype} {y.shape}.")
        return dataset_of(source, known, x, numbers)
    return dataset_of(source, known, x, classes_of([text_of(each) for each in arrays.flat_targets(y)], known, "y"))


def classes_of(names: list[str | None], known: Known, where: str) -> NDArray[np.int64]:
    """Returns the numbers of classes. Raises BadData if the run does not have a class. `where` is for the message."""
    number = {name: index for index, name in enumerate(known.labels)}
    unknown = next((name for name in names if name not in number), None)
    if unknown is not None or None in names:
        raise BadData(f"The run has no class {shown(unknown)} ({where}). Its classes are: {listed(known.labels)}.")
    return np.array([number[str(name)] for name in names], np.int64)
