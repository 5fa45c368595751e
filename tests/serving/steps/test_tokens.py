"""Tests that the steps convert texts to ids, and ids to texts, as TensorFlow's operations do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import tokens as graphs
from keras_gallery.serving.signatures.tokens import Tokens
from keras_gallery.serving.steps import tokens as steps

NAMES = {
    "words": ["don't", "film", "k", "i", "s2"],
    "unicode_words": ["don't", "k", "für", "æ", "日本語", "हिन्दी", "s2"],
    "characters": [*"aiksßσςæé\u0307 '", "ⱟ", "日", "\ufffd"],
    "spaces": ["AH0", "B", "I", "é", "\x00", "\ufffd"],
    "whole": ["New Zealand", "new", "\x00", "I", "\ufffd"],
}
PIECES = [
    *(each.encode() for each in "ⰯaAiIıİkKsSßΣæÉ\u0307 \t\n\x00\x1c\x85\xa0\u2028\u3000\ufeff'-.2\u00ad日"),
    *(name.encode() for names in NAMES.values() for name in names),
    *(b"\xff", b"\xc3", b"\xa9", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f", b"\xc0\x80", b"\xf4\x90\x80\x80"),
]


@pytest.fixture(scope="module", params=NAMES)
def tokens(request: pytest.FixtureRequest) -> Tokens:
    return Tokens(NAMES[request.param], request.param)


def in_graph(function: Any, texts: Any) -> Any:
    return tf.function(function, input_signature=[tf.TensorSpec((None,), tf.string)])(tf.constant(texts, tf.string))


def strings(values: list[bytes]) -> Any:
    return np.array([*values, None], object)[:-1]


def random_texts(longest: int) -> Any:
    """Returns texts without a Σ after a letter of Unicode 14, which TensorFlow's ICU does not know."""
    rng = np.random.default_rng(longest)
    parts = [rng.choice(np.array(PIECES, object), rng.integers(0, longest)) for _ in range(2000)]
    texts = [b"".join(each) for each in parts]
    return strings(
        [
            b"",
            *(
                text
                for text in texts
                if not any(each in text for each in ("ⱟ".encode(), "Ⱟ".encode())) or "Σ".encode() not in text
            ),
        ]
    )


def of(kind: Any, tokens: Tokens) -> Any:
    return kind("old", "new", tuple(tokens.names), tokens.split)


def run(step: Any, **arrays: Any) -> Any:
    return step.run(arrays, {}).get("new")


@pytest.mark.parametrize("longest", [2, 9])
def test_ids_of_texts(tokens: Tokens, longest: int) -> None:
    texts = random_texts(longest)
    want = in_graph(tokens.ids, texts).numpy()
    got = run(of(steps.TextIds, tokens), old=texts)
    assert got.dtype == want.dtype and len(np.unique(want)) > 3
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("texts", [[], [b""], [b"", b"\xff"]])
def test_ids_of_few_texts(tokens: Tokens, texts: list[bytes]) -> None:
    want = in_graph(tokens.ids, texts).numpy()
    got = run(of(steps.TextIds, tokens), old=strings(texts))
    assert got.shape == want.shape and np.array_equal(got, want)


def test_ids_of_words(tokens: Tokens) -> None:
    words = random_texts(3)
    want = in_graph(tokens.word_ids, words).numpy()
    got = run(of(steps.WordIds, tokens), old=words)
    assert got.dtype == want.dtype and len(np.unique(want)) > 3
    np.testing.assert_array_equal(got, want)
    assert run(of(steps.WordIds, tokens), old=words[:0]).shape == (0,)


def test_texts_of_ids(tokens: Tokens) -> None:
    ids = np.random.default_rng(0).integers(0, len(tokens.names) + 2, (50, 5), np.int32)
    for each in (ids, ids[:0], ids[:, :0]):
        want = tokens.texts(tf.constant(each)).numpy()
        got = run(of(steps.IdTexts, tokens), old=each)
        assert got.shape == want.shape and got.tolist() == want.tolist()


@pytest.mark.parametrize(
    "words", [[b"Zebra", b"lion"], [b""], ["é".encode() * 1000], [b"a\n\x1f\xc2\x85"], [b"\xff\xfe"], [b"\x00b"]]
)
def test_unknown_words_are_refused(words: list[bytes]) -> None:
    tokens = Tokens(["lion", "film"], "words")
    step, ids = steps.Known("words", "ids"), tokens.word_ids(tf.constant(words))
    with pytest.raises(tf.errors.InvalidArgumentError) as want:
        tf.function(tokens.known)(tf.constant(words), ids)
    with pytest.raises(InvalidArgument, match="^Expected a word that the model knows. Received: ") as got:
        step.run({"words": strings(words), "ids": ids.numpy()}, {})
    assert f"{got.value}" in str(want.value)
    assert step.run({"words": strings([b"lion"]), "ids": np.array([2])}, {}) == {}


def test_too_many_ids_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(["a"], "spaces")
    for module in (steps, graphs):
        monkeypatch.setattr(module, "MAX_IDS", 12)
    texts = strings([b"", b"a a a a", b"a"])
    np.testing.assert_array_equal(run(of(steps.TextIds, tokens), old=texts), in_graph(tokens.ids, texts))
    texts = strings([b"", b"a a a a a", b"a"])
    message = "^Expected texts of at most .* tokens, .* Received: 3 × 5$"
    with pytest.raises(InvalidArgument, match=message) as got:
        run(of(steps.TextIds, tokens), old=texts)
    with pytest.raises(tf.errors.InvalidArgumentError) as want:
        in_graph(tokens.ids, texts)
    assert str(got.value) in str(want.value)
