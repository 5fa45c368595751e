"""Reads tables: features, classes and numbers, or categories for entity embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from ..data.tokens import Tokens
from ..errors import BadData
from . import columns
from .files import read_table, table_of
from .parts import Indices, Way, check_count, split_off, validation_rows
from .source import Source
from .table import Table, listed, sorted_names


def open_table(data: Any, source: Source, text_columns: tuple[str | None, ...] | None = ()) -> Table:
    """Reads a file or a DataFrame. `text_columns` are read as texts, exactly as in the file; None means all columns."""
    if isinstance(data, str | Path):
        return read_table(Path(data), lambda name: text_columns is None or name in text_columns)
    return table_of(data, "the DataFrame")


def read_table_dataset(source: Source, form: str, task: str, model: str, seed: int) -> Dataset:
    """Reads a table as a dataset.

    Args:
        source: the data.
        form: `table`, or `categories` if the model learns a vector for each category.
        task: the task of the recipe, such as `classify`.
        model: name of the model, for messages.
        seed: seed of the split.

    Raises:
        BadData: the table cannot be read, or the model cannot use it.
    """
    is_class = task == "classify"
    texts = None if form == "categories" else (*(source.target if is_class else ()), source.group)
    table = open_table(source.data, source, texts)
    target, inputs = _roles(table, source, is_class, model)
    test = None if source.test is None else open_table(source.test, source, texts)
    if test is not None:
        for name in target:
            test.check_column(name, "a target")

    labels = columns.classes(table, target[0], model) if is_class else target
    y = _targets(table, target, labels, is_class, model)
    way, keys = way_of(source, table, y if is_class else None)
    if way == "time" and source.time is not None:
        table = in_order_of_time(table, source.time)
        y = _targets(table, target, labels, is_class, model)
    train, held_out, validation = divide(len(table), source, way, keys, seed, table.name)
    x: NDArray[Any]
    x_test: NDArray[Any] | None
    if form == "categories":
        x, x_test, preparation, tokens = _categories(table, test, inputs, train, source.missing)
    else:
        described = columns.features(table, inputs, train, source.missing)
        x, tokens = columns.encode(table, described), {}
        x_test = None if test is None else columns.encode(test, described)
        preparation = {"kind": "table", "columns": described, "encoding": "one_hot"}
    y_test = y[held_out] if test is None else _targets(test, target, labels, is_class, model)
    return Dataset(
        name=source.title,
        x_train=x[train],
        y_train=y[train],
        x_test=x[held_out] if x_test is None else x_test,
        y_test=y_test,
        source=table.name,
        labels=labels,
        texts=tokens,
        validation=validation,
        preparation={**preparation, "target": list(target)},
    )


def _roles(table: Table, source: Source, is_class: bool, model: str) -> tuple[tuple[str, ...], list[str]]:
    """Returns the names of the target columns and of the input columns."""
    if not source.target:
        raise BadData(
            f"Name the column to predict (--target). The columns of {table.name} are: {listed(table.columns)}."
        )
    if is_class and len(source.target) > 1:
        raise BadData(f"{model} predicts the classes of one column. Received: {listed(source.target)}.")
    others = {"group": source.group, "time": source.time}
    named = [("target", name) for name in source.target] + [("ignore", name) for name in source.ignore]
    for option, name in [*named, *((option, name) for option, name in others.items() if name is not None)]:
        table.check_column(name, f"--{option}")
    left_out = {*source.target, *source.ignore, *others.values()}
    inputs = [name for name in table.columns if name not in left_out]
    if not inputs:
        raise BadData(f"{table.name} has no column for the inputs: {listed(table.columns)}.")
    return source.target, inputs


def _targets(
    table: Table, target: tuple[str, ...], labels: tuple[str, ...], is_class: bool, model: str
) -> NDArray[Any]:
    return columns.positions(table, target[0], labels) if is_class else columns.targets(table, target, model)


def way_of(source: Source, table: Table, classes: NDArray[np.int64] | None) -> tuple[Way, NDArray[Any] | None]:
    """Returns how the examples are split, and the class or group of each example.

    Raises:
        BadData: the options contradict each other.
    """
    if source.group is not None:
        if source.split is not None:
            raise BadData(f"The options group and split exclude each other. Received: {source.group}, {source.split}.")
        return "group", table.texts(source.group, None, "Each example needs a group.")
    way: Any = source.split or ("random" if classes is None else "stratified")
    if source.time is not None:
        if source.split not in (None, "time"):
            raise BadData(f"With the option time, the test examples are the last ones. Received: split={source.split}.")
        way = "time"
    if way == "stratified" and classes is None:
        raise BadData("A stratified split needs classes. Use split=random or split=time.")
    return way, classes


def in_order_of_time(table: Table, time: str) -> Table:
    """Returns the table with its rows in the order of a column of times or numbers."""
    from .times import times_of

    order = np.argsort(times_of(table, time), kind="stable")
    return Table(table.frame.iloc[order].reset_index(drop=True), table.name, lambda row: table.place(int(order[row])))


def divide(
    count: int, source: Source, way: Way, keys: NDArray[Any] | None, seed: int, name: str
) -> tuple[Indices, Indices, Indices]:
    """Returns the rows of the training and the test examples, and which training examples are for validation.

    With `source.test`, all rows are for training.
    """
    if source.test is None:
        check_count(count, name)
        train, test = split_off(count, source.test_share, way, keys, seed)
    else:
        train, test = np.arange(count), np.arange(0)
        if count < 2:
            raise BadData(f"{name} has {count} example. At least 2 are needed.")
    if len(train) < 2:
        raise BadData(f"Only {len(train)} example is left for training. Use a smaller test_share, or more data.")
    validation = validation_rows(len(train), way, None if keys is None else keys[train], seed)
    return train, test, validation


def _categories(
    table: Table, test: Table | None, inputs: list[str], train: Indices, missing: str | None
) -> tuple[NDArray[np.int32], NDArray[np.int32] | None, dict[str, Any], dict[str, Tokens]]:
    """Returns the ids of all examples and of the test table, the preparation and the vocabulary of each column."""
    described, tokens = [], dict[str, Tokens]()
    for name in inputs:
        column = columns.category(table, name, missing, columns.MOST_IDS)
        if any(_has_fraction(each) for each in column["names"]):
            raise BadData(
                f"The column {name} of {table.name} has numbers with fractions, not categories. "
                f"Group its values, or leave out the column (--ignore {name})."
            )
        in_training = sorted_names(table.texts(name, missing)[train])
        tokens[name] = Tokens(in_training, "whole")
        described.append({**column, "names": list(in_training)})
    x = columns.encode_ids(table, tokens, missing)
    x_test = None if test is None else columns.encode_ids(test, tokens, missing)
    return x, x_test, {"kind": "table", "columns": described, "encoding": "ids"}, tokens


def _has_fraction(name: str) -> bool:
    try:
        return bool(float(name) % 1)
    except ValueError:
        return False
