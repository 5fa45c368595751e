"""Checks ids before the graph of a model looks them up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...preparation.fields import Fields
from ..errors import InvalidArgument
from .base import Arrays, Graphs, Step


@dataclass(frozen=True)
class Ids(Step):
    """Refuses ids that are not in a table of vectors, as TensorFlow does. Adds nothing.

    As in Keras, the ids −1, −2, … stand for the last rows of the table.

    Attributes:
        ids: the array of ids.
        counts: number of rows of each table. One number: of the table for all ids. Several: of the table for each
            position of the last dimension.
    """

    kind = "ids 1"
    ids: str
    counts: tuple[int, ...]

    @classmethod
    def read(cls, content: Fields) -> Ids:
        return cls(content.string("ids"), tuple(content.integers("counts", least=1)))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        ids = arrays[self.ids]
        counts = np.array(self.counts, np.int64)
        wrong = np.argwhere((ids < -counts) | (ids >= counts))
        if len(wrong):
            place = tuple(wrong[0].tolist())
            count = self.counts[place[-1]] if len(self.counts) > 1 else self.counts[0]
            raise InvalidArgument(f"indices[{','.join(map(str, place))}] = {ids[place]} is not in [0, {count})")
        return {}
