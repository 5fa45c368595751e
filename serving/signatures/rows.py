"""Signatures for rows of a table, whose columns become the input of the model inside the exported graph."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from ...preparation.description import CategoryColumn, Column, NumberColumn, Table
from ..steps.columns import MAX_SHOWN, TableColumns, expected_category, expected_numbers
from .base import Data, Endpoint, Part, joined

Array = np.ndarray[Any, Any]


class Rows:
    """The columns of a table, each with one value for each row.

    Args:
        table: the columns.

    Attributes:
        specs: a `tf.TensorSpec` (batch,) for each column: float32 for numbers, string for categories.
        names: the columns' names by the names of the specs. Names of inputs in TensorFlow must be Python names.
        tables: look-up tables of the categories.
    """

    def __init__(self, table: Table) -> None:
        self._columns = table.columns
        safe = safe_names([each.name for each in table.columns])
        self.names = dict(zip(safe, (each.name for each in table.columns), strict=True))
        self.specs = [
            tf.TensorSpec((None,), tf.float32 if isinstance(each, NumberColumn) else tf.string, name=name)
            for name, each in zip(safe, table.columns, strict=True)
        ]
        is_one_hot = table.encoding == "one_hot"
        self._ids = {each.name: _ids(each) for each in table.columns if is_one_hot and isinstance(each, CategoryColumn)}
        self.tables = list(self._ids.values())

    def features(self, values: Sequence[Any], dtype: str) -> Any:
        """Returns the input of the model (batch, features): numbers as they are, and one-hot values for categories.

        The graph fails for an unknown category, for a missing value in a column that had none in training, and for a
        number that is not finite.
        """
        parts = [self._part(column, value, dtype) for column, value in zip(self._columns, values, strict=True)]
        return tf.concat(parts, 1)

    def example(self, rng: np.random.Generator, batch: int) -> dict[str, Array]:
        """Returns random rows by the names of the specs."""
        return {name: _example(rng, each, batch) for name, each in zip(self.names, self._columns, strict=True)}

    def _part(self, column: Column, values: Any, dtype: str) -> Any:
        if isinstance(column, NumberColumn):
            check = tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(values)), [expected_numbers(column)])
            with tf.control_dependencies([check]):
                return tf.cast(values, dtype)[:, tf.newaxis]
        values = filled(values, column)
        ids = self._ids[column.name].lookup(values)
        unknown = tf.strings.reduce_join(tf.boolean_mask(values, ids < 0)[:1])
        shown = tf.strings.unicode_transcode(unknown, "UTF-8", "UTF-8", replace_control_characters=True)
        shown = tf.strings.substr(shown, 0, MAX_SHOWN, unit="UTF8_CHAR")
        message = tf.strings.join([expected_category(column), shown])
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(ids >= 0), [message])]):
            return tf.one_hot(ids, len(column.names), dtype=dtype)


def row_endpoints(data: Data, endpoints: dict[str, Endpoint], names: Iterable[str]) -> dict[str, Endpoint]:
    """Returns endpoints that take the columns of a table instead of arrays, such as `classify_rows` for `classify`.

    Returns an empty dict if the model was not trained on a table, or if its inputs are ids.

    Args:
        data: the model's input.
        endpoints: endpoints on arrays.
        names: names of the endpoints to convert. Names that are not in `endpoints` are ignored.
    """
    table = data.preparation
    if not isinstance(table, Table) or table.encoding != "one_hot":
        return {}
    rows = Rows(table)
    rng = np.random.default_rng(0)

    features = Part(
        lambda *values: {data.kind: rows.features(values, data.dtype)},
        tuple(rows.names),
        partial(TableColumns, tuple(rows.names), table.columns, data.kind, data.dtype),
        tables=rows.tables,
    )
    notes = dict(zip(rows.names, table.columns, strict=True))
    return {
        f"{name}_rows": joined(
            (features, *endpoints[name].parts),
            rows.specs,
            lambda batch: rows.example(rng, batch),
            notes=notes,
            output_notes=endpoints[name].output_notes,
            names=rows.names,
        )
        for name in names
        if name in endpoints
    }


def filled(values: Any, column: CategoryColumn) -> Any:
    """Returns categories (batch,) without blanks around them. An empty text becomes the category of missing values."""
    values = tf.strings.strip(values)
    return values if column.missing is None else tf.where(tf.equal(values, ""), column.missing, values)


def safe_names(names: Sequence[str]) -> list[str]:
    """Returns names of inputs: the names that are Python names, and for example `column_2` for the second column.

    TensorFlow cannot export a signature with an input of the name `self`, or with names that differ only in their case.
    """
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    found: list[str] = []
    for number, name in enumerate(names, 1):
        if _is_python_name(name) and name != "self" and name.lower() not in seen:
            seen.add(name.lower())
            found.append(name)
            continue
        proposal = f"column_{number}"
        while proposal in taken:
            proposal += "_"
        taken.add(proposal)
        found.append(proposal)
    return found


def _is_python_name(name: str) -> bool:
    return re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) is not None and not keyword.iskeyword(name)


def _ids(column: CategoryColumn) -> Any:
    rows = tf.lookup.KeyValueTensorInitializer(list(column.names), list(range(len(column.names))), tf.string, tf.int32)
    return tf.lookup.StaticHashTable(rows, -1)


def _example(rng: np.random.Generator, column: Column, batch: int) -> Array:
    if isinstance(column, CategoryColumn):
        return rng.choice(np.array(column.names, object), batch)
    least = 0.0 if column.least is None else column.least
    most = least + 1 if column.most is None else column.most
    return rng.uniform(least, max(least, most), batch).astype(np.float32)
