"""Makes the input of a model from the columns of a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...preparation.description import CategoryColumn, Column, NumberColumn, read_column, to_json
from ...preparation.fields import BadPreparation, Fields
from ..errors import InvalidArgument
from .base import DTYPES, Array, Arrays, Graphs, Step

MAX_SHOWN = 100  # characters of a wrong value, and of the list of the categories, in an error message
_CONTROL = dict.fromkeys(range(32), "\ufffd")  # control characters in an error message


@dataclass(frozen=True)
class TableColumns(Step):
    """Adds the input of the model (batch, width): numbers as they are, and one-hot values for categories.

    Attributes:
        inputs: names of the arrays (batch,): float32 for a column of numbers, bytes for a column of categories.
        columns: the column in each array.
        features: name of the new array.
        dtype: of the new array.
    """

    kind = "table columns 1"
    inputs: tuple[str, ...]
    columns: tuple[Column, ...]
    features: str
    dtype: str

    @classmethod
    def read(cls, content: Fields) -> TableColumns:
        columns = tuple(content.each("columns", read_column))
        inputs = tuple(content.strings("inputs"))
        if len(inputs) != len(columns):
            raise BadPreparation(f"Expected {len(columns)} inputs, one for each column. Received: {len(inputs)}")
        return cls(inputs, columns, content.string("features"), content.choice("dtype", DTYPES))

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"columns": [to_json(each) for each in self.columns]}

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        counts = sorted({len(arrays[name]) for name in self.inputs})
        if len(counts) > 1:
            raise InvalidArgument(
                f"Expected the same number of rows in all columns. Received: {counts[0]} and {counts[-1]}"
            )
        features = np.zeros((counts[0], self._width), self.dtype)
        if self._numbers:
            numbers = np.array([arrays[name] for name, _, _ in self._numbers])  # (columns, batch)
            self._check_finite(numbers)
            features[:, [place for _, _, place in self._numbers]] = numbers.T
        rows = np.arange(counts[0])
        for name, column, place, ids in self._categories:
            features[rows, place + _ids_of(arrays[name].tolist(), column, ids)] = 1
        return {self.features: features}

    def _check_finite(self, numbers: Array) -> None:
        is_finite = np.isfinite(numbers)
        if not is_finite.all():
            _, column, _ = self._numbers[int(is_finite.all(1).argmin())]
            raise InvalidArgument(expected_numbers(column))

    @cached_property
    def _width(self) -> int:
        return sum(map(_width, self.columns))

    @cached_property
    def _numbers(self) -> list[tuple[str, NumberColumn, int]]:
        """The columns of numbers, with their input and their place in the features."""
        return [(name, column, at) for name, column, at in self._places if isinstance(column, NumberColumn)]

    @cached_property
    def _categories(self) -> list[tuple[str, CategoryColumn, int, dict[bytes, int]]]:
        """The columns of categories, with their input, their place in the features, and the ids of their values."""
        return [
            (name, column, at, _ids(column)) for name, column, at in self._places if isinstance(column, CategoryColumn)
        ]

    @property
    def _places(self) -> list[tuple[str, Column, int]]:
        ends = np.cumsum([_width(each) for each in self.columns]).tolist()
        starts = [0, *ends[:-1]]
        return list(zip(self.inputs, self.columns, starts, strict=True))


def expected_numbers(column: NumberColumn) -> str:
    """Returns the error message for a number that is not finite."""
    return f"Expected finite numbers in the column {column.name}. Received: NaN or infinity"


def expected_category(column: CategoryColumn) -> str:
    """Returns the error message for an unknown category, without the category at its end."""
    known = ", ".join(column.names)
    known = known if len(known) <= MAX_SHOWN else known[:MAX_SHOWN] + "…"
    return f"Expected a category of the column {column.name}: {known}. Received: "


def unknown_category(column: CategoryColumn, value: bytes) -> str:
    """Returns the error message for an unknown category."""
    shown = value.decode(errors="replace").translate(_CONTROL)[:MAX_SHOWN]
    return expected_category(column) + shown


def _width(column: Column) -> int:
    return len(column.names) if isinstance(column, CategoryColumn) else 1


def _ids(column: CategoryColumn) -> dict[bytes, int]:
    """Returns the id of each text without blanks around it. An empty text stands for a missing value."""
    ids = {name.encode(): at for at, name in enumerate(column.names)}
    if column.missing is not None:
        ids.pop(b"", None)
        if column.missing in column.names:
            ids[b""] = column.names.index(column.missing)
    return ids


def _ids_of(values: list[bytes], column: CategoryColumn, ids: dict[bytes, int]) -> Array:
    found = [ids.get(value.strip(), -1) for value in values]
    if -1 in found:
        unknown = values[found.index(-1)].strip()
        if not unknown and column.missing is not None:
            unknown = column.missing.encode()
        raise InvalidArgument(unknown_category(column, unknown))
    return np.array(found, np.intp)
