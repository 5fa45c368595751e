"""Converts texts to ids and back. `serving/signatures/tokens.py` does the same with TensorFlow's operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from ...preparation.fields import Fields
from ...preparation.splits import JOINTS, PADDING, SPLITS, START, UNKNOWN
from ..errors import InvalidArgument
from .base import Array, Arrays, Graphs, Step
from .budget import memory

LOWER = ("words", "unicode_words", "characters")  # the splits of the lower-case text
MAX_IDS = 1 << 24  # of all texts of a request, with padding
BYTES_PER_BYTE = 32  # memory for each byte of a text while it is split. Measured: up to 28.
MAX_SHOWN = 100  # characters of an unknown word in an error message
TOO_MANY_IDS = f"Expected texts of at most {MAX_IDS} tokens, number of texts × tokens of the longest text. Received:"
UNKNOWN_WORD = "Expected a word that the model knows. Received: "


@dataclass(frozen=True)
class _Vocabulary:
    """The tokens that ids stand for.

    Attributes:
        old: the array that the step reads.
        new: the array that the step adds.
        names: name of the token of each id, from id 2 on.
        split: how a text is split into tokens: a key of `SPLITS`.
    """

    old: str
    new: str
    names: tuple[str, ...]
    split: str

    @classmethod
    def read(cls, content: Fields) -> Self:
        names, split = tuple(content.strings("names")), content.choice("split", tuple(SPLITS))
        return cls(content.string("old"), content.string("new"), names, split)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names, 2)}


@dataclass(frozen=True)
class TextIds(_Vocabulary, Step):
    """Converts texts (batch,) to ids (batch, time), padded on the right. `time` is at least 1."""

    kind = "tokens 1"
    is_quick = False  # the number of ids depends on the longest text, so that a short request can have many ids

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        texts = arrays[self.old].tolist()
        with memory(BYTES_PER_BYTE * sum(map(len, texts))):
            return {self.new: self._padded(texts)}

    def _padded(self, texts: Sequence[bytes]) -> Array:
        rows = [self._row(text) for text in texts]
        ids = np.zeros((len(rows), check_size(len(rows), max([1, *map(len, rows)]))), np.int32)
        for line, row in zip(ids, rows, strict=True):
            line[: len(row)] = row
        return ids

    def _row(self, text: bytes) -> Array:
        tokens = SPLITS[self.split](_unchanged(text) if self.split == "whole" else _valid(text, self.split))
        return np.array([self._ids.get(token, UNKNOWN) for token in tokens], np.int32)


def check_size(batch: int, time: int) -> int:
    """Returns `time`. Raises InvalidArgument if the ids (batch, time) would take too much memory."""
    if batch * time > MAX_IDS:
        raise InvalidArgument(f"{TOO_MANY_IDS} {batch} × {time}")
    return time


@dataclass(frozen=True)
class WordIds(_Vocabulary, Step):
    """Converts words (batch,) to ids (batch,). Each word is one token."""

    kind = "words 1"

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        read = (lambda word: _valid(word, self.split).lower()) if self.split in LOWER else _unchanged
        ids = [self._ids.get(read(word), UNKNOWN) for word in arrays[self.old].tolist()]
        return {self.new: np.array(ids, np.int32)}


@dataclass(frozen=True)
class Known(Step):
    """Refuses unknown words. Adds nothing.

    Attributes:
        words: the array of words (batch,).
        ids: the array of their ids (batch,).
    """

    kind = "known 1"
    words: str
    ids: str

    @classmethod
    def read(cls, content: Fields) -> Known:
        return cls(content.string("words"), content.string("ids"))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        is_unknown = arrays[self.ids] == UNKNOWN
        if is_unknown.any():
            raise InvalidArgument(UNKNOWN_WORD + _shown(arrays[self.words][is_unknown][0]))
        return {}


@dataclass(frozen=True)
class IdTexts(_Vocabulary, Step):
    """Converts ids (…, time) to texts (…). Leaves out padding and start tokens."""

    kind = "texts 1"

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        ids, joint = arrays[self.old], JOINTS[self.split].encode()
        is_shown = (ids != PADDING) & (ids != START)
        rows = (each.reshape(math.prod(ids.shape[:-1]), ids.shape[-1]) for each in (ids, is_shown))
        texts = [joint.join(self._encoded[row[shown]]) for row, shown in zip(*rows, strict=True)]
        return {self.new: np.array([*texts, None], object)[:-1].reshape(ids.shape[:-1])}

    @cached_property
    def _encoded(self) -> Array:
        return np.array([name.encode() for name in ("", "[UNK]", *self.names)], object)


def _valid(text: bytes, split: str) -> str:
    """Returns a text without invalid bytes and, if it becomes lower-case, without NUL, at which ICU would end it."""
    valid = text.decode(errors="replace")
    return valid.replace("\x00", "\ufffd") if split in LOWER else valid


def _unchanged(text: bytes) -> str:
    """Returns a different text for all different bytes."""
    return text.decode(errors="surrogateescape")


def _shown(word: bytes) -> str:
    text = word[: 4 * MAX_SHOWN].decode(errors="replace")[:MAX_SHOWN]
    return "".join("\ufffd" if each < " " else each for each in text)
