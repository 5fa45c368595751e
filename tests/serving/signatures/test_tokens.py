"""Tests that a TensorFlow graph converts texts to the same ids as plain Python, and ids to the same texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures.tokens import Tokens
from keras_gallery.training.data import tokens as plain

from ...random_inputs import random_inputs

NAMES = {
    "words": ["don't", "film", "k", "i", "s2"],
    "unicode_words": ["don't", "k", "für", "æ", "日本語", "हिन्दी", "s2"],
    "characters": [*"aiksßσςæé\u0307 '", "ⱟ", "𐖗"],
    "spaces": ["AH0", "B", "I", "é"],
    "whole": ["New Zealand", "", "\x00", "I"],
}
LETTERS = "aAiIıİkKKsSſßσςÆæéÉ\u0307\u0345 \t\x00\x1c\x85\xa0\u2028\u3000\ufeff'-.2\u00ad"
# Letters of Unicode 14. TensorFlow's ICU does not know these letters, and converts a Σ after such a letter to another
# lower case letter than Python does.
NEW = "𐕲Ⱟ"
SOME = (
    st.text(st.sampled_from(LETTERS + "Σ"))
    | st.text(st.sampled_from(LETTERS + NEW))
    | st.text(st.characters(codec="utf-8", exclude_characters="Σ"))
    | st.text(st.characters(max_codepoint=0x7FF))  # ICU and Python know the same letters in this range
    | st.sampled_from(["don't film", "New Zealand", "AH0 B"])
)


@pytest.fixture(scope="module", params=NAMES)
def both(request: pytest.FixtureRequest) -> tuple[plain.Tokens, Any, Tokens]:
    """Returns the tokens in plain Python, a graph that converts texts to ids, and the tokens that built the graph."""
    tokens = Tokens(NAMES[request.param], request.param)
    graph = tf.function(tokens.ids, input_signature=[tf.TensorSpec((None,), tf.string)])
    return plain.Tokens(tuple(NAMES[request.param]), request.param), graph, tokens


@random_inputs(300)
@given(texts=st.lists(SOME, min_size=1, max_size=4))
@example(texts=["", ""])
@example(texts=["İK ΟΔΟΣ ΑΣ'Α Don't"])
@example(texts=["Ⱟ ΑΣ 𐕲"])
def test_ids_equal_plain_python(both: tuple[plain.Tokens, Any, Tokens], texts: list[str]) -> None:
    want, graph, _ = both
    ids = want.ids(texts)
    length = max(1, ids.shape[1])
    np.testing.assert_array_equal(graph(tf.constant(texts)), want.ids(texts, length))


def test_every_character(both: tuple[plain.Tokens, Any, Tokens]) -> None:
    want, graph, _ = both
    # No letters have code points above this range.
    texts = [f"i{c}k" for c in map(chr, range(0x20000)) if not "\ud800" <= c <= "\udfff"]
    ids = want.ids(texts)
    np.testing.assert_array_equal(graph(tf.constant([text.encode() for text in texts])), ids)


def test_texts_equal_plain_python(both: tuple[plain.Tokens, Any, Tokens]) -> None:
    split = both[2].split
    names = ["[START]", "[END]", "b", "é", "c d"]
    ids = np.array([[2, 4, 5, 1], [4, 0, 6, 0], [0, 0, 0, 0], [1, 1, 2, 4]], np.int32)
    got = Tokens(names, split).texts(tf.constant(ids)).numpy()
    assert [each.decode() for each in got] == plain.Tokens(tuple(names), split).texts(ids)


@pytest.mark.parametrize("text", [b"\xff", b"don't \xe2\x82", b"\xc3(", b"\xed\xa0\x80 film"])
def test_bytes_that_are_not_utf8(both: tuple[plain.Tokens, Any, Tokens], text: bytes) -> None:
    assert both[1](tf.constant([text])).shape[1] >= 1


def test_an_empty_batch(both: tuple[plain.Tokens, Any, Tokens]) -> None:
    assert both[1](tf.constant([], tf.string)).shape == (0, 1)


def test_an_unknown_split_and_a_duplicate_name_are_rejected() -> None:
    with pytest.raises(InvalidArgument, match="^Expected a split: words, .*, whole. Received: lines$"):
        Tokens(["a"], "lines")
    with pytest.raises(InvalidArgument, match="^Duplicate token name: 'a'$"):
        Tokens(["a", "b", "a"], "words")
