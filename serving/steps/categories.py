"""Prepares categories of a table, and finds categories or words with the most similar vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...preparation.fields import Fields
from .base import Array, Arrays, Graphs, Step, read_step

ROWS = 64  # of which the cosines to all names are in memory at the same time
ITSELF = -2.0  # less than any cosine


@dataclass(frozen=True)
class Filled(Step):
    """Removes blanks around categories (batch,). An empty text becomes the category of missing values.

    Attributes:
        old: the array that the step reads.
        new: the array that the step adds.
        missing: the category of missing values. None: an empty text stays empty.
    """

    kind = "filled 1"
    old: str
    new: str
    missing: str | None

    @classmethod
    def read(cls, content: Fields) -> Filled:
        return cls(content.string("old"), content.string("new"), content.optional("missing", content.string))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        missing = (self.missing or "").encode()
        values = [value.strip() or missing for value in arrays[self.old].tolist()]
        return {self.new: np.array([*values, None], object)[:-1]}


@dataclass(frozen=True)
class Nearest(Step):
    """Finds the names with the most similar vectors, the most similar first, without the name itself.

    Reads `count`, which is checked before. Adds `names` and `similarities` (batch, count), or all other names if they
    are fewer.

    Attributes:
        ids: the array of ids (batch,) of known names.
        cosines: from the ids, the array `cosines` (batch, names).
        names: the names, from id 2 on.
    """

    kind = "nearest 1"
    ids: str
    cosines: Step
    names: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Nearest:
        return cls(content.string("ids"), content.inner("cosines", read_step), tuple(content.strings("names")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        return _most_similar((self.ids,), self.cosines, self._encoded, arrays, graphs)

    @cached_property
    def _encoded(self) -> Array:
        return np.array([name.encode() for name in self.names], object)


@dataclass(frozen=True)
class Analogy(Step):
    """Finds the names that complete "a is to b as c is to …", the most similar first, without a, b and c.

    Reads `count`, which is checked before. Adds `names` and `similarities` (batch, count), or all names but three if
    these are fewer.

    Attributes:
        ids: the arrays of ids (batch,) of the known names a, b and c.
        cosines: from the ids, the array `cosines` (batch, names).
        names: the names, from id 2 on.
    """

    kind = "analogy 1"
    ids: tuple[str, ...]
    cosines: Step
    names: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Analogy:
        ids = tuple(content.strings("ids"))
        return cls(ids, content.inner("cosines", read_step), tuple(content.strings("names")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        return _most_similar(self.ids, self.cosines, self._encoded, arrays, graphs)

    @cached_property
    def _encoded(self) -> Array:
        return np.array([name.encode() for name in self.names], object)


def _most_similar(given: tuple[str, ...], cosines: Step, names: Array, arrays: Arrays, graphs: Graphs) -> Arrays:
    """Returns the `names` with the largest cosines, and the cosines, without the names whose ids are given."""
    rows = len(arrays[given[0]])
    shape = rows, min(int(arrays["count"]), len(names) - len(given))
    best, similarities = np.empty(shape, np.int64), np.empty(shape, np.float32)
    for start in range(0, rows, ROWS):
        part = {name: arrays[name][start : start + ROWS] for name in given}
        found = cosines.run(part, graphs)["cosines"]
        for ids in part.values():
            found[np.arange(len(ids)), ids - 2] = ITSELF
        for at, row in enumerate(found, start):
            best[at] = _largest(row, shape[1])
            similarities[at] = row[best[at]]
    return {"names": names[best], "similarities": similarities}


def _largest(row: Array, count: int) -> Array:
    """Returns the positions of the largest numbers, the largest first. Of equal numbers, the first one comes first."""
    least = np.partition(row, -count)[-count]
    found = np.flatnonzero(~(row < least))  # also NaN
    return found[np.argsort(-row[found], kind="stable")[:count]]
