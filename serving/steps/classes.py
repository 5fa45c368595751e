"""Steps after the graph of a classifier or a segmenter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...preparation.fields import Fields
from .base import Array, Arrays, Graphs, Step


@dataclass(frozen=True)
class Classes(Step):
    """Adds the most probable class of each row: `label` (bytes) and `score`, beside all `probabilities`.

    Attributes:
        probabilities: the array (batch, classes), or (batch, 1) with the probability of the second of two classes.
        names: of the classes.
    """

    kind = "classes 1"
    probabilities: str
    names: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Classes:
        return cls(content.string("probabilities"), tuple(content.strings("names")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        p = _of_all(arrays[self.probabilities], len(self.names))
        return {
            "probabilities": p,
            "label": self._labels[p.argmax(-1)],
            "score": p.max(-1, initial=-np.inf).astype(p.dtype),
        }

    @cached_property
    def _labels(self) -> Array:
        return encoded(self.names)


@dataclass(frozen=True)
class Scored(Step):
    """Adds all `classes` (bytes) of each row with their `scores`. See `Classes` for the attributes."""

    kind = "scores 1"
    probabilities: str
    names: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Scored:
        return cls(content.string("probabilities"), tuple(content.strings("names")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        p = _of_all(arrays[self.probabilities], len(self.names))
        return {"classes": np.broadcast_to(self._labels, p.shape), "scores": p}

    @cached_property
    def _labels(self) -> Array:
        return encoded(self.names)


@dataclass(frozen=True)
class Segments(Step):
    """Adds the most probable class of each pixel: `mask` (uint8), and its probability: `confidence`.

    Attributes:
        probabilities: the array (batch, height, width, classes).
    """

    kind = "segments 1"
    probabilities: str

    @classmethod
    def read(cls, content: Fields) -> Segments:
        return cls(content.string("probabilities"))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        p = arrays[self.probabilities]
        return {"mask": p.argmax(-1).astype(np.uint8), "confidence": p.max(-1)}


def _of_all(p: Array, count: int) -> Array:
    """Returns the probabilities of all classes."""
    return np.concatenate([1 - p, p], -1) if p.shape[-1] == 1 and count > 1 else p


def encoded(names: tuple[str, ...]) -> Array:
    """Returns names as an array of bytes."""
    return np.array([each.encode() for each in names] + [None], object)[:-1]
