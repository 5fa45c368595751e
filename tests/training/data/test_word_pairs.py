"""Tests of the training pairs of word2vec: the tables of lecture notes 004, subsampling and negative sampling."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.data.word_pairs import (
    NegativeSampler,
    Text,
    contexts,
    counts_of,
    keep_probabilities,
    pairs,
    subsampled,
    text_of,
)

NOTES = Tokens(("hey", "this", "is", "great"), "words")
PADDING = "<padding>"
NAMES = np.array([PADDING, "[UNK]", *NOTES.names], object)


def notes_text() -> Text:
    return text_of(NOTES.ids(["Hey, this is great"]))


def test_the_pair_table_of_the_lecture_notes() -> None:
    """The lecture notes call this table CBOW. The window is 2, and each row has an input word and an output word."""
    text = notes_text()
    inputs, outputs = (NAMES[each].tolist() for each in pairs(text.words, contexts(text, window=2)))
    assert list(zip(inputs, outputs, strict=True)) == [
        *(("hey", "this"), ("hey", "is")),
        *(("this", "hey"), ("this", "is"), ("this", "great")),
        *(("is", "hey"), ("is", "this"), ("is", "great")),
        *(("great", "this"), ("great", "is")),
    ]


def test_the_padded_table_of_the_lecture_notes() -> None:
    """The lecture notes call this table skip-gram. The window is 1, and each row has a word and the words around it."""
    text = notes_text()
    rows = {NAMES[word]: NAMES[around].tolist() for word, around in zip(text.words, contexts(text, 1), strict=True)}
    assert rows == {
        "hey": [PADDING, "this"],
        "this": ["hey", "is"],
        "is": ["this", "great"],
        "great": ["is", PADDING],
    }


def contexts_by_loops(sentences: list[list[int]], window: int, reach: list[int]) -> list[list[int]]:
    rows, limits = [], iter(reach)
    for words in sentences:
        for position in range(len(words)):
            limit = next(limits)
            offsets = (*range(-window, 0), *range(1, window + 1))
            positions = [position + offset if abs(offset) <= limit else -1 for offset in offsets]
            rows.append([words[each] if 0 <= each < len(words) else 0 for each in positions])
    return rows


@pytest.mark.parametrize("window", [1, 2, 5, 20])
def test_contexts_stay_within_their_sentence_and_reach(window: int) -> None:
    rng = np.random.default_rng(window)
    sentences = [rng.integers(2, 50, length).tolist() for length in rng.integers(1, 12, 30)]
    text = Text(np.concatenate(sentences).astype(np.int32), np.repeat(np.arange(30), [len(each) for each in sentences]))
    reach = rng.integers(1, window + 1, len(text.words))
    found = contexts(text, window, reach)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, contexts_by_loops(sentences, window, reach.tolist()))
    full_reach = np.full(len(text.words), window)
    np.testing.assert_array_equal(contexts(text, window), contexts(text, window, full_reach))


def test_text_without_words_has_no_contexts() -> None:
    empty = Text(np.zeros(0, np.int32), np.zeros(0, np.int64))
    assert contexts(empty, 2).shape == (0, 4)


def test_padding_and_unknown_words_are_removed() -> None:
    text = text_of(np.array([[2, 1, 3, 0], [4, 0, 0, 0], [1, 1, 5, 6]], np.int32))
    assert text.words.tolist() == [2, 3, 4, 5, 6]
    assert text.sentences.tolist() == [0, 0, 1, 2, 2]
    assert contexts(text, 1).tolist() == [[0, 3], [2, 0], [0, 0], [0, 6], [5, 0]]
    assert counts_of(text, 8).tolist() == [0, 0, 1, 1, 1, 1, 1, 0]


def test_frequent_words_are_kept_as_in_gensim() -> None:
    from gensim.models import Word2Vec

    counts = np.array([0, 0, 600, 250, 100, 40, 9, 1])
    word2vec = Word2Vec(min_count=1, sample=0.02)
    word2vec.build_vocab_from_freq({str(word): int(count) for word, count in enumerate(counts) if count})
    shares = keep_probabilities(counts, 0.02)
    expected = [word2vec.wv.get_vecattr(str(word), "sample_int") / (2**32 - 1) for word in range(2, 8)]
    np.testing.assert_allclose(shares[2:], expected, rtol=1e-6)
    assert shares[2] < 0.3 and shares[-1] == 1  # the most and the least frequent word


def test_subsampling_keeps_each_word_with_its_probability() -> None:
    rng = np.random.default_rng(0)
    text = Text(np.tile(np.arange(2, 5, dtype=np.int32), 40_000), np.repeat(np.arange(40_000), 3))
    found = subsampled(text, np.array([1, 1, 0.2, 0.7, 1]), rng)
    shares = counts_of(found, 5)[2:] / 40_000
    np.testing.assert_allclose(shares, [0.2, 0.7, 1], atol=0.01)  # more than four standard errors
    assert (np.diff(found.sentences) >= 0).all()
    assert (found.words[found.sentences == 7] == sorted(found.words[found.sentences == 7])).all()


def test_distribution_of_negative_samples() -> None:
    counts = np.array([0, 0, 10_000, 625, 0, 16, 1])
    noise = NegativeSampler(counts)
    np.testing.assert_allclose(noise.probabilities[[2, 3, 5, 6]], np.array([1_000, 125, 8, 1]) / 1_134)
    rng = np.random.default_rng(0)
    found = np.bincount(noise.draw(np.full(100_000, 1, np.int32), 5, rng).ravel(), minlength=7)
    np.testing.assert_allclose(found / 500_000, noise.probabilities, atol=2e-3)  # more than three standard errors
    samples = noise.draw(np.full(10_000, 2, np.int32), 5, rng)  # never the true candidate, 2
    assert samples.dtype == np.int32 and samples.shape == (10_000, 5)
    shares = np.bincount(samples.ravel(), minlength=7) / 50_000
    np.testing.assert_allclose(shares, np.array([0, 0, 0, 125, 0, 8, 1]) / 134, atol=6e-3)
