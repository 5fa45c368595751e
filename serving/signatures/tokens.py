"""Converts texts to ids and back inside an exported graph.

The ids are the same as with Python's `str.lower`, `str.split` and `re`.

Id 0 is padding, id 1 is an unknown token, and id i stands for `names[i − 2]`. In generated texts id 2 marks the start
and id 3 the end.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ..errors import InvalidArgument
from .base import Arrays, Endpoint, Part, joined

PADDING, UNKNOWN, START, END = range(4)
MAX_SHOWN = 100  # characters of an unknown word in an error message
# The whitespace at which `str.split` splits. TensorFlow's split knows ASCII whitespace only.
_BLANKS = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"


class Tokens:
    """The tokens that the ids of an input or output stand for.

    Args:
        names: names of the tokens, without duplicates.
        split: how to split a text into tokens. `words`: runs of a–z, 0–9 and ', in lower case. `unicode_words`: runs of
            letters, marks and digits of any language and ', in lower case. `characters`: single characters, in lower
            case. `spaces`: at whitespace. `whole`: no split.

    Raises:
        InvalidArgument: unknown split, or duplicate name.
    """

    def __init__(self, names: Sequence[str], split: str) -> None:
        if split not in _SPLITS:
            raise InvalidArgument(f"Expected a split: {', '.join(_SPLITS)}. Received: {split}")
        if len(set(names)) != len(names):
            ((duplicate, _),) = Counter(names).most_common(1)
            raise InvalidArgument(f"Duplicate token name: {duplicate!r}")
        self.names = list(names)
        self.split = split
        ids = {name: number for number, name in enumerate(names, 2)}
        if split == "characters":  # add upper-case letters, because ICU does not know all letters that Python knows
            ids = {c: ids[c.lower()] for c in map(chr, range(sys.maxunicode + 1)) if c.lower() in ids} | ids
        rows = tf.lookup.KeyValueTensorInitializer(list(ids), list(ids.values()), tf.string, tf.int32)
        self.table = tf.lookup.StaticHashTable(rows, UNKNOWN)

    def ids(self, texts: Any) -> Any:
        """Converts texts (batch,) to ids (batch, time), padded on the right. `time` is at least 1."""
        ids = tf.ragged.map_flat_values(self.table.lookup, _SPLITS[self.split](texts)).to_tensor(PADDING)
        return tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])

    def word_ids(self, words: Any) -> Any:
        """Converts words (batch,) to ids (batch,). Each word is one token."""
        return self.table.lookup(_lower(words) if self.split in ("words", "unicode_words", "characters") else words)

    def known_ids(self, words: Any) -> Any:
        """Converts words (batch,) to ids (batch,). The graph fails for an unknown word."""
        ids = self.word_ids(words)
        unknown = _valid(tf.strings.reduce_join(tf.boolean_mask(words, ids == UNKNOWN)[:1]), replace_control=True)
        shown = tf.strings.substr(unknown, 0, MAX_SHOWN, unit="UTF8_CHAR")
        message = tf.strings.join(["Expected a word that the model knows. Received: ", shown])
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(ids != UNKNOWN), [message])]):
            return tf.identity(ids)

    def texts(self, ids: Any) -> Any:
        """Converts ids (batch, time) to texts (batch,). Leaves out padding and start tokens."""
        names = tf.gather(tf.constant(["", "[UNK]", *self.names]), ids)
        is_shown = tf.logical_and(ids != PADDING, ids != START)
        separator = "" if self.split == "characters" else " "
        return tf.strings.reduce_join(tf.ragged.boolean_mask(names, is_shown), axis=-1, separator=separator)

    def example_words(self, rng: np.random.Generator, batch: int) -> np.ndarray[Any, Any]:
        """Returns random tokens (batch,)."""
        return rng.choice(np.array(self.names, object), batch)

    def example_texts(self, rng: np.random.Generator, batch: int) -> np.ndarray[Any, Any]:
        """Returns random texts (batch,) of up to 8 tokens."""
        separator = "" if self.split == "characters" else " "
        counts = rng.integers(0, 9, batch)
        return np.array([separator.join(self.example_words(rng, count)) for count in counts], object)

    def text_endpoint(self, parts: Sequence[Part], seed: int = 0) -> Endpoint:
        """Returns an endpoint that converts texts to ids, and consists of `parts` from there on."""
        rng = np.random.default_rng(seed)

        def example(batch: int) -> Arrays:
            return {"text": self.example_texts(rng, batch)}

        inputs = [tf.TensorSpec((None,), tf.string, name="text")]
        to_ids = Part(lambda texts: {"ids": self.ids(texts)}, ("text",), tables=[self.table])
        return joined([to_ids, *parts], inputs, example)


def tokens_of(texts: Mapping[str, Tokens], role: str, size: int) -> Tokens:
    """Returns the tokens of a role.

    Raises InvalidArgument if the number of names is not `size` − 2, where `size` is the model's number of ids.
    """
    if len(texts[role].names) + 2 != size:
        raise InvalidArgument(f"Expected {size - 2} names for {role}. Received: {len(texts[role].names)}")
    return texts[role]


def _valid(texts: Any, *, replace_control: bool = False) -> Any:
    """Returns valid UTF-8: invalid bytes become U+FFFD."""
    return tf.strings.unicode_transcode(
        texts, "UTF-8", "UTF-8", errors="replace", replace_control_characters=replace_control
    )


def _lower(texts: Any) -> Any:
    """Converts texts to lower case like `str.lower`.

    TensorFlow uses ICU, which would convert I to ı in a Turkish locale, and would end the text at a NUL.

    One difference remains. The ICU of TensorFlow 2.21 has Unicode 13: after a letter of a newer Unicode version, a Σ at
    the end of a word becomes σ instead of ς.
    """
    texts = tf.strings.regex_replace(_valid(texts), r"\x00", "\ufffd")
    texts = tf.strings.lower(tf.strings.regex_replace(texts, "İ", "i\u0307"))  # ASCII letters only
    return tf.strings.lower(texts, encoding="utf-8")


@functools.cache
def _no_word() -> str:
    """Returns the pattern of characters that are neither letters, marks, digits nor '.

    The ranges are those of Python, because TensorFlow's classes of characters have another Unicode version.
    """
    kept = np.array([unicodedata.category(chr(code))[0] in "LMN" for code in range(sys.maxunicode + 1)])
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
    return "[^'" + "".join(f"\\x{{{first:x}}}-\\x{{{end - 1:x}}}" for first, end in edges) + "]+"


_SPLITS: dict[str, Callable[[Any], Any]] = {
    "words": lambda texts: tf.strings.split(tf.strings.regex_replace(_lower(texts), "[^a-z0-9']+", " ")),
    "unicode_words": lambda texts: tf.strings.split(tf.strings.regex_replace(_lower(texts), _no_word(), " ")),
    "characters": lambda texts: tf.strings.unicode_split(_lower(texts), "UTF-8"),
    "spaces": lambda texts: tf.strings.split(tf.strings.regex_replace(_valid(texts), _BLANKS, " ")),
    "whole": lambda texts: tf.RaggedTensor.from_tensor(texts[:, tf.newaxis]),
}
