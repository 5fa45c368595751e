"""Texts as ids and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

PADDING, UNKNOWN, START, END = range(4)
MARKS = ("[START]", "[END]")  # the first two names of what a model writes
Split = Literal["words", "characters", "spaces", "whole"]

SPLITS: dict[str, Callable[[str], list[str]]] = {
    "words": lambda text: re.findall(r"[a-z0-9']+", text.lower()),
    "characters": lambda text: list(text.lower()),
    "spaces": str.split,
    "whole": lambda text: [text],
}
JOINTS = {"words": " ", "characters": "", "spaces": " ", "whole": " "}


@dataclass(frozen=True)
class Tokens:
    """What ids stand for: 0 for padding, 1 for anything unknown, i for `names[i − 2]`.

    Attributes:
        names: of the tokens, each once; `[START]` and `[END]` first where a model writes them.
        split: how a text is taken apart. `words`: runs of a–z, 0–9 and ', in lower case. `characters`: each, in
            lower case. `spaces`: what stands between blanks. `whole`: not at all.
    """

    names: tuple[str, ...]
    split: Split
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {name: number for number, name in enumerate(self.names, 2)})

    @classmethod
    def of(cls, texts: Iterable[str], split: Split, *, most: int | None = None, marks: bool = False) -> Tokens:
        """The tokens of `texts`, the most frequent first, equally frequent ones in alphabetical order.

        Args:
            texts: whose tokens they are.
            split: as above.
            most: how many to keep; all by default.
            marks: whether `[START]` and `[END]` come first.
        """
        counts = Counter(token for text in texts for token in SPLITS[split](text))
        names = sorted(counts, key=lambda name: (-counts[name], name))[:most]
        return cls((*(MARKS if marks else ()), *names), split)

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.names) + 2

    @property
    def marked(self) -> bool:
        return self.names[:2] == MARKS

    def ids(self, texts: Sequence[str], length: int | None = None) -> NDArray[np.int32]:
        """Ids (n, time) of texts, padded on the right; with `[START]` before and `[END]` after, where there are marks.

        Args:
            texts: any.
            length: time; of the longest text by default. Longer ones are cut.
        """
        rows = [[self._ids.get(token, UNKNOWN) for token in SPLITS[self.split](text)] for text in texts]
        if self.marked:
            rows = [[START, *row, END] for row in rows]
        length = max(map(len, rows), default=0) if length is None else length
        found = np.zeros((len(rows), length), np.int32)
        for line, row in zip(found, rows, strict=True):
            line[: len(row)] = row[:length]
        return found

    def texts(self, ids: NDArray[Any]) -> list[str]:
        """The texts of ids (n, time), up to the first `[END]` where there are marks; without padding and marks."""
        known = np.array(["", "[UNK]", *self.names], object)
        found = []
        for row in np.asarray(ids):
            if self.marked:
                row = row[: np.argmax(row == END)] if (row == END).any() else row
                row = row[row != START]
            found.append(JOINTS[self.split].join(known[row[row != PADDING]]))
        return found
