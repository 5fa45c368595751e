"""How texts are split into tokens, and which ids have a meaning of their own."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Literal

import numpy as np

PADDING, UNKNOWN, START, END = range(4)
Split = Literal["words", "unicode_words", "characters", "spaces", "whole"]


@functools.cache
def word_ranges() -> list[tuple[int, int]]:
    """Returns the first and the last code point of each range of letters, marks (as in Hindi) and digits."""
    kept = np.array([unicodedata.category(chr(code))[0] in "LMN" for code in range(sys.maxunicode + 1)])
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
    return [(int(first), int(end) - 1) for first, end in edges]


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    return re.compile("['" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in word_ranges()) + "]+")


SPLITS: dict[str, Callable[[str], list[str]]] = {
    "words": lambda text: re.findall(r"[a-z0-9']+", text.lower()),
    "unicode_words": lambda text: _word_pattern().findall(text.lower()),
    "characters": lambda text: list(text.lower()),
    "spaces": str.split,
    "whole": lambda text: [text],
}
JOINTS = {"words": " ", "unicode_words": " ", "characters": "", "spaces": " ", "whole": " "}
