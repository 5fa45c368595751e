"""Runs steps on padded sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...preparation.fields import Fields
from ..errors import InvalidArgument
from .base import Array, Arrays, Graphs, Step, read_step


@dataclass(frozen=True)
class Padded(Step):
    """Runs steps on sequences without their padding. Adds the results of the last of these steps.

    Sequences of the same length share a run.

    Attributes:
        sequence: the array of sequences (batch, time, features).
        length: the array of their lengths (batch,).
        least: the smallest length.
        inner: the steps. The shapes of their results do not depend on the length.
    """

    kind = "padded 1"
    is_quick = False  # the number of runs depends on the lengths
    sequence: str
    length: str
    least: int
    inner: tuple[Step, ...]

    @classmethod
    def read(cls, content: Fields) -> Padded:
        least = content.integer("least", least=1)
        return cls(content.string("sequence"), content.string("length"), least, tuple(content.each("inner", read_step)))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        x, length = arrays[self.sequence], arrays[self.length]
        wrong = length[(length < self.least) | (length > x.shape[1])]
        if len(wrong):
            raise InvalidArgument(f"Expected lengths from {self.least} to {x.shape[1]}. Received: [{wrong[0]}]")
        if len(length) != len(x):
            raise InvalidArgument(f"Expected {len(x)} lengths, one for each sequence. Received: {len(length)}")
        lengths = np.unique(length)
        if len(lengths) <= 1:
            return self._run(x[:, : lengths[0]] if len(lengths) else x, arrays, graphs)
        results: Arrays = {}
        for each in lengths:
            rows = np.flatnonzero(length == each)
            for name, values in self._run(x[rows, :each], arrays, graphs).items():
                if name not in results:
                    results[name] = np.empty((len(x), *values.shape[1:]), values.dtype)
                results[name][rows] = values
        return results

    def _run(self, x: Array, arrays: Arrays, graphs: Graphs) -> Arrays:
        results: Arrays = {}
        arrays = arrays | {self.sequence: x}
        for step in self.inner:
            results = step.run(arrays, graphs)
            arrays |= results
        return results
