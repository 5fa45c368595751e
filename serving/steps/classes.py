"""Steps after the graph of a classifier or a segmenter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...preparation.fields import Fields
from ...preparation.splits import PADDING
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
class Tags(Step):
    """Adds the most probable tag of each token: `label` (bytes) and `score`. Padding has the label "" and the score 0.

    Attributes:
        probabilities: the array (batch, time, tags), or (batch, tags) of one token for each row.
        ids: the array of ids (batch, time), or (batch,). Id 0 is padding.
        names: of the tags.
    """

    kind = "tags 1"
    probabilities: str
    ids: str
    names: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Tags:
        return cls(content.string("probabilities"), content.string("ids"), tuple(content.strings("names")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        p, is_padding = arrays[self.probabilities], arrays[self.ids] == PADDING
        label, score = self._labels[p.argmax(-1)], p.max(-1)
        label[is_padding], score[is_padding] = b"", 0
        return {"label": label, "score": score}

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
