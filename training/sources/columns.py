"""Converts the columns of a table to the inputs and the targets of a model, and describes them for the preparation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.tokens import Tokens
from ..errors import BadData
from .parts import Indices
from .table import Table, listed, numeric, shown, sorted_names

MOST_CATEGORIES = 100  # of a column of texts
MOST_IDS = 10_000  # categories of a column for a model that learns a vector for each category
MOST_CLASSES = 1_000
MOST_FRACTIONS = 20  # numbers with fractions can be names of classes, but not more than this
MOST_INPUTS = 2**28  # values of all examples

ColumnInfo = dict[str, Any]  # a column in the preparation


def features(table: Table, names: Sequence[str], train: Indices, missing: str | None) -> list[ColumnInfo]:
    """Returns how each column becomes inputs: a number as it is, a text or a truth value as one-hot values.

    Args:
        table: the table.
        names: the columns.
        train: the rows of the training examples, for the statistics.
        missing: name of the category for missing values, or None to refuse missing values.

    Raises:
        BadData: a value is missing, or a column has neither numbers nor categories.
    """
    columns: list[ColumnInfo] = []
    for name in names:
        if _kind(table, name) == "number":
            values = table.numbers(name)[train]
            columns.append(
                {
                    "name": name,
                    "type": "number",
                    "mean": float(values.mean()),
                    "deviation": float(values.std()),
                    "least": float(values.min()),
                    "most": float(values.max()),
                }
            )
        else:
            columns.append(category(table, name, missing, MOST_CATEGORIES))
    return columns


def category(table: Table, name: str, missing: str | None, most: int) -> ColumnInfo:
    """Returns a column of categories. A missing value is the category `missing`, or an error if this is None."""
    names = sorted_names(table.texts(name, missing, _remedy(name)))
    if len(names) > most:
        raise BadData(
            f"The column {name} of {table.name} has {len(names):,} different texts, and categories are limited to "
            f"{most:,}. Leave out the column (--ignore {name}), or group its values."
        )
    return {"name": name, "type": "category", "names": list(names), "missing": missing}


def _remedy(name: str) -> str:
    return f"Fill it in, name the missing values (--missing unknown), or leave out the column (--ignore {name})."


def _kind(table: Table, name: str) -> str:
    """Returns `number` or `text`, the kinds of columns that can be features.

    Raises:
        BadData: the column has dates, lists or other values, or a text among numbers.
    """
    kind = table.kind(name)
    if kind in ("date", "other"):
        has = "dates" if kind == "date" else "neither numbers nor texts"
        raise BadData(
            f"The column {name} of {table.name} has {has}. "
            f"Convert it to numbers or categories, or leave it out (--ignore {name})."
        )
    if kind == "text" and (texts := table.frame[name].dropna()).nunique() > MOST_FRACTIONS:
        numbers = numeric(texts.astype(object))
        if numbers.notna().mean() > 0.5:
            row = int(numbers.index[numbers.isna()][0])
            raise BadData(
                f"The column {name} of {table.name} has numbers, but the text {shown(table.frame[name][row])} in "
                f"{table.place(row)}. Correct it, or leave out the column (--ignore {name})."
            )
    return kind


def encode(table: Table, columns: Sequence[ColumnInfo]) -> NDArray[np.float32]:
    """Returns the inputs of a table, float32 `(rows, features)`: one-hot values for a category.

    Raises:
        BadData: a column is missing, a value is missing or wrong, or a category is unknown.
    """
    width = sum(len(column.get("names", [0])) for column in columns)
    if width * len(table) > MOST_INPUTS:
        raise BadData(f"{table.name} has {len(table):,} rows × {width:,} inputs, more than {MOST_INPUTS:,} values.")
    x = np.zeros((len(table), width), np.float32)
    start = 0
    for column in columns:
        table.check_column(column["name"], "a column of the training data")
        if column["type"] == "number":
            x[:, start] = table.numbers(column["name"])
            start += 1
        else:
            names = column["names"]
            x[np.arange(len(table)), start + positions(table, column["name"], names, column["missing"])] = 1
            start += len(names)
    return x


def positions(table: Table, name: str, names: Sequence[str], missing: str | None = None) -> NDArray[np.int64]:
    """Returns the position in `names` of each text of a column, int64 `(rows,)`.

    Raises:
        BadData: a value is missing, or is not one of the names.
    """
    texts = table.texts(name, missing, _remedy(name))
    known = {each: number for number, each in enumerate(names)}
    found = np.array([known.get(text, -1) for text in texts], np.int64)
    unknown = np.flatnonzero(found < 0)
    if len(unknown):
        row = int(unknown[0])
        raise BadData(
            f"The column {name} of {table.name} has {shown(texts[row])} in {table.place(row)}, "
            f"which the training data do not have. They have: {listed(names)}."
        )
    return found


def encode_ids(table: Table, texts: dict[str, Tokens], missing: str | None) -> NDArray[np.int32]:
    """Returns the ids of the categories, int32 `(rows, columns)`. An unknown category has the id 1."""
    ids = []
    for name, tokens in texts.items():
        table.check_column(name, "a column of the training data")
        ids.append(tokens.ids(table.texts(name, missing, _remedy(name)).tolist(), 1))
    return np.concatenate(ids, axis=1)


def classes(table: Table, name: str, model: str) -> tuple[str, ...]:
    """Returns the names of the classes in a column.

    Raises:
        BadData: a value is missing, there is one class only, or the column has numbers rather than classes.
    """
    texts = table.texts(name, None, "Each example needs a class.")
    return check_classes(sorted_names(texts), len(texts), f"the column {name} of {table.name}", model)


def check_classes(names: tuple[str, ...], count: int, where: str, model: str) -> tuple[str, ...]:
    """Returns the names of the classes, or raises BadData if they cannot be classes. `where` is for the message."""
    if len(names) < 2:
        raise BadData(f"All values in {where} are {shown(names[0])}. {model} needs at least two classes.")
    try:
        fractions = any(float(each) % 1 for each in names)
    except ValueError:
        fractions = False
    many = len(names) > MOST_CLASSES or (len(names) > MOST_FRACTIONS and (fractions or len(names) > count / 2))
    if many:
        raise BadData(
            f"There are {len(names):,} different values in {where}. {model} predicts classes. "
            "For numbers, train a model such as mlp_regressor."
        )
    return names


def targets(table: Table, names: Sequence[str], model: str) -> NDArray[np.float32]:
    """Returns the columns of numbers to predict, float32 `(rows, columns)`.

    Raises:
        BadData: a column has texts, or a value is missing, infinite or too large.
    """
    for name in names:
        if table.kind(name) != "number":
            example = shown(table.frame[name].dropna().iloc[0]) if table.frame[name].notna().any() else "no values"
            raise BadData(
                f"The column {name} of {table.name} has texts such as {example}, and {model} predicts numbers. "
                "For classes, train a model such as mlp_classifier."
            )
    return np.stack([table.numbers(name) for name in names], axis=1).astype(np.float32)
