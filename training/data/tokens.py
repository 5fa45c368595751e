"""Converts texts to token ids and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...preparation.splits import END, JOINTS, PADDING, SPLITS, START, UNKNOWN, Split

NO_TAG = -1  # in place of a tag, for padding
MARKS = ("[START]", "[END]")  # the first two tokens in the vocabulary of target texts


@dataclass(frozen=True)
class Tokens:
    """A vocabulary: id 0 is padding, id 1 is an unknown token, and id i is `names[i − 2]`.

    Attributes:
        names: the tokens, without duplicates. In the vocabulary of target texts, which a model learns to write, the
            first two tokens are `[START]` and `[END]`.
        split: the method that splits a text into tokens. `words` finds runs of a–z, 0–9 and ' in the lower-case text.
            `unicode_words` finds runs of letters, marks and digits of any language and '. `characters` returns each
            character of the lower-case text. `spaces` splits the text at spaces. `whole` returns the text as one token.
    """

    names: tuple[str, ...]
    split: Split
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {name: number for number, name in enumerate(self.names, 2)})

    @classmethod
    def of(
        cls, texts: Iterable[str], split: Split, *, most: int | None = None, least: int = 1, marks: bool = False
    ) -> Tokens:
        """Returns the vocabulary of `texts`, sorted by frequency, then alphabetically.

        Args:
            texts: the texts to split.
            split: the method that splits a text, see the class.
            most: largest number of tokens, without `[START]` and `[END]`. The most frequent tokens are kept. There is
                no limit by default.
            least: least number of occurrences of a token.
            marks: whether to add `[START]` and `[END]` as the first tokens.
        """
        counts = Counter(token for text in texts for token in SPLITS[split](text))
        for mark in MARKS if marks else ():
            counts.pop(mark, None)
        frequent = [name for name, count in counts.items() if count >= least]
        names = sorted(frequent, key=lambda name: (-counts[name], name))[:most]
        return cls((*(MARKS if marks else ()), *names), split)

    @property
    def size(self) -> int:
        """Number of ids, including the ids of padding and of unknown tokens."""
        return len(self.names) + 2

    @property
    def marked(self) -> bool:
        """Whether the ids of a text begin with `[START]` and end with `[END]`."""
        return self.names[:2] == MARKS

    def ids(self, texts: Sequence[str], length: int | None = None) -> NDArray[np.int32]:
        """Converts texts to ids (n, time), padded on the right. If `marked`, adds `[START]` and `[END]`.

        Args:
            texts: n texts.
            length: number of ids of each text; longer texts are truncated. The default is the length of the longest
                text.
        """
        rows = [[self._ids.get(token, UNKNOWN) for token in SPLITS[self.split](text)] for text in texts]
        if self.marked:
            rows = [[START, *row, END] for row in rows]
        length = max(map(len, rows), default=0) if length is None else length
        ids = np.zeros((len(rows), length), np.int32)
        for line, row in zip(ids, rows, strict=True):
            line[: len(row)] = row[:length]
        return ids

    def texts(self, ids: NDArray[Any]) -> list[str]:
        """Converts ids (n, time) to n texts without padding.

        An unknown token becomes `[UNK]`. If `marked`, a text ends before the first `[END]` and has no `[START]`.
        """
        names = np.array(["", "[UNK]", *self.names], object)
        texts = []
        for row in np.asarray(ids):
            if self.marked:
                row = row[: np.argmax(row == END)] if (row == END).any() else row
                row = row[row != START]
            texts.append(JOINTS[self.split].join(names[row[row != PADDING]]))
        return texts
