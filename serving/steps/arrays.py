"""Joins and splits arrays, and checks numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...preparation.fields import Fields
from ..errors import InvalidArgument
from .base import Arrays, Graphs, Step


@dataclass(frozen=True)
class Columns(Step):
    """Joins arrays (batch,) to an array (batch, columns).

    Attributes:
        columns: the arrays.
        new: the array that the step adds.
    """

    kind = "columns 1"
    columns: tuple[str, ...]
    new: str

    @classmethod
    def read(cls, content: Fields) -> Columns:
        return cls(tuple(content.strings("columns")), content.string("new"))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        return {self.new: np.stack([arrays[name] for name in self.columns], axis=1)}


@dataclass(frozen=True)
class First(Step):
    """Adds the first columns of arrays (batch, columns) as arrays (batch,).

    Attributes:
        old: the arrays.
        new: the array that the step adds for each.
    """

    kind = "first 1"
    old: tuple[str, ...]
    new: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> First:
        return cls(tuple(content.strings("old")), tuple(content.strings("new")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        return {new: arrays[old][:, 0] for old, new in zip(self.old, self.new, strict=True)}


@dataclass(frozen=True)
class Count(Step):
    """Refuses a number that is not from 1 to `most`. Adds nothing.

    Attributes:
        count: the array with the number, a scalar.
        most: the largest number.
    """

    kind = "count 1"
    count: str
    most: int

    @classmethod
    def read(cls, content: Fields) -> Count:
        return cls(content.string("count"), content.integer("most", least=1))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        if not 1 <= arrays[self.count] <= self.most:
            raise InvalidArgument(f"Expected a {self.count} from 1 to {self.most}. Received: {arrays[self.count]}")
        return {}
