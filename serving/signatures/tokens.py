"""Converts texts to ids and back inside an exported graph.

The ids are the same as with Python's `str.lower`, `str.split` and `re`.

Id 0 is padding, id 1 is an unknown token, and id i stands for `names[i − 2]`. In generated texts id 2 marks the start
and id 3 the end.
"""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ...preparation.splits import JOINTS, PADDING, START, UNKNOWN, word_ranges
from ..errors import InvalidArgument
from ..steps import tokens as steps
from ..steps.base import Step
from ..steps.tokens import LOWER, MAX_IDS, MAX_SHOWN, TOO_MANY_IDS, UNKNOWN_WORD
from .endpoint import Arrays, Endpoint, Part, joined

# The whitespace at which `str.split` splits. TensorFlow's split knows ASCII whitespace only.
_BLANKS = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"


@functools.cache
def _upper_case() -> list[tuple[str, str]]:
    """Returns each character that `str.lower` changes, with the result."""
    return [(each, each.lower()) for each in map(chr, range(sys.maxunicode + 1)) if each.lower() != each]


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
            ids = {upper: ids[lower] for upper, lower in _upper_case() if lower in ids} | ids
        rows = tf.lookup.KeyValueTensorInitializer(list(ids), list(ids.values()), tf.string, tf.int32)
        self.table = tf.lookup.StaticHashTable(rows, UNKNOWN)

    def ids(self, texts: Any) -> Any:
        """Converts texts (batch,) to ids (batch, time), padded on the right. `time` is at least 1.

        The graph fails for more than `MAX_IDS` ids, before it allocates memory for them.
        """
        rows = tf.ragged.map_flat_values(self.table.lookup, _SPLITS[self.split](texts))
        batch, time = rows.nrows(), tf.maximum(tf.reduce_max(tf.pad(rows.row_lengths(), [[0, 1]])), 1)
        message = tf.strings.format(TOO_MANY_IDS + " {} × {}", [batch, time])
        with tf.control_dependencies([tf.debugging.Assert(batch * time <= MAX_IDS, [message])]):
            ids = rows.to_tensor(PADDING)
        return tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])

    def word_ids(self, words: Any) -> Any:
        """Converts words (batch,) to ids (batch,). Each word is one token."""
        return self.table.lookup(_lower(words) if self.split in LOWER else words)

    def known(self, words: Any, ids: Any) -> Any:
        """Returns the ids (batch,) of words. The graph fails for an unknown word."""
        unknown = _valid(tf.strings.reduce_join(tf.boolean_mask(words, ids == UNKNOWN)[:1]), replace_control=True)
        shown = tf.strings.substr(unknown, 0, MAX_SHOWN, unit="UTF8_CHAR")
        message = tf.strings.join([UNKNOWN_WORD, shown])
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(ids != UNKNOWN), [message])]):
            return tf.identity(ids)

    def texts(self, ids: Any) -> Any:
        """Converts ids (…, time) to texts (…). Leaves out padding and start tokens."""
        shape = tf.shape(ids)
        rows = tf.reshape(ids, [tf.reduce_prod(shape[:-1]), shape[-1]])
        names = tf.gather(tf.constant(["", "[UNK]", *self.names]), rows)
        is_shown = tf.logical_and(rows != PADDING, rows != START)
        shown = tf.ragged.boolean_mask(names, is_shown)
        return tf.reshape(tf.strings.reduce_join(shown, axis=-1, separator=JOINTS[self.split]), shape[:-1])

    def example_words(self, rng: np.random.Generator, batch: int) -> np.ndarray[Any, Any]:
        """Returns random tokens (batch,)."""
        return rng.choice(np.array(self.names, object), batch)

    def example_texts(self, rng: np.random.Generator, batch: int) -> np.ndarray[Any, Any]:
        """Returns random texts (batch,) of up to 8 tokens."""
        counts = rng.integers(0, 9, batch)
        return np.array([JOINTS[self.split].join(self.example_words(rng, count)) for count in counts], object)

    def text_endpoint(self, parts: Sequence[Part], seed: int = 0, **options: Any) -> Endpoint:
        """Returns an endpoint that converts texts to ids, and consists of `parts` from there on.

        `options` are further attributes of `Endpoint`.
        """
        rng = np.random.default_rng(seed)

        def example(batch: int) -> Arrays:
            return {"text": self.example_texts(rng, batch)}

        inputs = [tf.TensorSpec((None,), tf.string, name="text")]
        return joined([self._part(self.ids, steps.TextIds, "text", "ids"), *parts], inputs, example, **options)

    def word_ids_part(self, words: str, ids: str) -> Part:
        """Returns the part that converts the array `words` to the array `ids`."""
        return self._part(self.word_ids, steps.WordIds, words, ids)

    def known_part(self, words: str, ids: str) -> Part:
        """Returns the part that refuses unknown words, from the array `words` and the array `ids`."""
        known = functools.partial(steps.Known, words, ids)
        return Part(lambda *arrays: {ids: self.known(*arrays)}, (words, ids), known)

    def texts_part(self, ids: str, texts: str) -> Part:
        """Returns the part that converts the array `ids` to the array `texts`."""
        return self._part(self.texts, steps.IdTexts, ids, texts)

    def _part(self, function: Callable[[Any], Any], step: Callable[..., Step], old: str, new: str) -> Part:
        portable = functools.partial(step, old, new, tuple(self.names), self.split)
        return Part(lambda x: {new: function(x)}, (old,), portable, tables=[self.table])


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


def _no_word() -> str:
    """Returns the pattern of characters that are neither letters, marks, digits nor '.

    The ranges are those of Python, because TensorFlow's classes of characters have another Unicode version.
    """
    return "[^'" + "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in word_ranges()) + "]+"


_SPLITS: dict[str, Callable[[Any], Any]] = {
    "words": lambda texts: tf.strings.split(tf.strings.regex_replace(_lower(texts), "[^a-z0-9']+", " ")),
    "unicode_words": lambda texts: tf.strings.split(tf.strings.regex_replace(_lower(texts), _no_word(), " ")),
    "characters": lambda texts: tf.strings.unicode_split(_lower(texts), "UTF-8"),
    "spaces": lambda texts: tf.strings.split(tf.strings.regex_replace(_valid(texts), _BLANKS, " ")),
    "whole": lambda texts: tf.RaggedTensor.from_tensor(texts[:, tf.newaxis]),
}
