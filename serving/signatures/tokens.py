"""Texts as ids and back, inside an exported graph: token for token what `str.lower`, `str.split` and `re` make of them.

0 is padding, 1 anything unknown, i stands for `names[i − 2]`. What a model writes begins with id 2 and ends with id 3.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ..errors import InvalidArgument
from .base import Arrays, Endpoint, Tensors

PADDING, UNKNOWN, START, END = range(4)
MOST_SHOWN = 100  # characters of an unknown word
# What `str.split` splits at; TensorFlow's own knows the blanks of ASCII.
_BLANKS = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"


class Tokens:
    """What the ids of one input or output stand for.

    Args:
        names: of the tokens, each once.
        split: how a text is taken apart. `words`: runs of a–z, 0–9 and ', in lower case. `characters`: each, in lower
            case. `spaces`: what stands between blanks. `whole`: not at all.

    Raises InvalidArgument for another split, or for a name that is there twice.
    """

    def __init__(self, names: Sequence[str], split: str) -> None:
        if split not in _SPLITS:
            raise InvalidArgument(f"Expected a split: {', '.join(_SPLITS)}. Received: {split}")
        if len(set(names)) != len(names):
            raise InvalidArgument(
                f"Expected the name of each token once. Received: {len(names) - len(set(names))} again"
            )
        self.names = list(names)
        self.split = split
        ids = {name: number for number, name in enumerate(names, 2)}
        if split == "characters":  # capitals as well: Python may know more of them than ICU
            ids = {c: ids[c.lower()] for c in map(chr, range(sys.maxunicode + 1)) if c.lower() in ids} | ids
        rows = tf.lookup.KeyValueTensorInitializer(list(ids), list(ids.values()), tf.string, tf.int32)
        self.table = tf.lookup.StaticHashTable(rows, UNKNOWN)

    def ids(self, texts: Any) -> Any:
        """Ids (batch, time) of texts (batch,), padded on the right; of at least one step, for texts without tokens."""
        ids = tf.ragged.map_flat_values(self.table.lookup, _SPLITS[self.split](texts)).to_tensor(PADDING)
        return tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])

    def word_ids(self, words: Any) -> Any:
        """The id of each of words (batch,), which are one token each."""
        return self.table.lookup(_lower(words) if self.split in ("words", "characters") else words)

    def known_ids(self, words: Any) -> Any:
        """As `word_ids`; an unknown word is refused."""
        ids = self.word_ids(words)
        unknown = _valid(tf.strings.reduce_join(tf.boolean_mask(words, ids == UNKNOWN)[:1]), replace_control=True)
        shown = tf.strings.substr(unknown, 0, MOST_SHOWN, unit="UTF8_CHAR")
        refusal = tf.strings.join(["Expected a word that the model knows. Received: ", shown])
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(ids != UNKNOWN), [refusal])]):
            return tf.identity(ids)

    def texts(self, ids: Any) -> Any:
        """Texts (batch,) of ids (batch, time), without padding and start."""
        names = tf.gather(tf.constant(["", "[UNK]", *self.names]), ids)
        there = tf.logical_and(ids != PADDING, ids != START)
        joint = "" if self.split == "characters" else " "
        return tf.strings.reduce_join(tf.ragged.boolean_mask(names, there), axis=-1, separator=joint)

    def example_words(self, rng: np.random.Generator, batch: int) -> np.ndarray[Any, Any]:
        return rng.choice(np.array(self.names, object), batch)

    def example_texts(self, rng: np.random.Generator, batch: int) -> np.ndarray[Any, Any]:
        """Texts of up to 8 tokens."""
        joint = "" if self.split == "characters" else " "
        counts = rng.integers(0, 9, batch)
        return np.array([joint.join(self.example_words(rng, count)) for count in counts], object)

    def over(self, function: Callable[..., Tensors], seed: int = 0) -> Endpoint:
        """A function of ids, as one of texts."""
        rng = np.random.default_rng(seed)

        def example(batch: int) -> Arrays:
            return {"text": self.example_texts(rng, batch)}

        inputs = [tf.TensorSpec((None,), tf.string, name="text")]
        return Endpoint(lambda texts: function(self.ids(texts)), inputs, example, tables=[self.table])


def of_size(texts: Mapping[str, Tokens], role: str, size: int) -> Tokens:
    """The tokens of a role. Raises InvalidArgument where they are not as many as a model's ids: names and two more."""
    if len(texts[role].names) + 2 != size:
        raise InvalidArgument(f"Expected {size - 2} names for {role}. Received: {len(texts[role].names)}")
    return texts[role]


def _valid(texts: Any, *, replace_control: bool = False) -> Any:
    """UTF-8: other bytes become U+FFFD."""
    return tf.strings.unicode_transcode(
        texts, "UTF-8", "UTF-8", errors="replace", replace_control_characters=replace_control
    )


def _lower(texts: Any) -> Any:
    """`str.lower`. TensorFlow leaves it to ICU, for which I becomes ı in Turkey, and a text ends with a NUL.

    TensorFlow 2.21 has the ICU of Unicode 13: after a newer letter, a Σ at the end of a word becomes σ instead of ς.
    """
    texts = tf.strings.regex_replace(_valid(texts), r"\x00", "\ufffd")
    texts = tf.strings.lower(tf.strings.regex_replace(texts, "İ", "i\u0307"))  # ASCII
    return tf.strings.lower(texts, encoding="utf-8")


_SPLITS: dict[str, Callable[[Any], Any]] = {
    "words": lambda texts: tf.strings.split(tf.strings.regex_replace(_lower(texts), "[^a-z0-9']+", " ")),
    "characters": lambda texts: tf.strings.unicode_split(_lower(texts), "UTF-8"),
    "spaces": lambda texts: tf.strings.split(tf.strings.regex_replace(_valid(texts), _BLANKS, " ")),
    "whole": lambda texts: tf.RaggedTensor.from_tensor(texts[:, tf.newaxis]),
}
