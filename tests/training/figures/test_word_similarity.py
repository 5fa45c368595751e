"""Compares the rank correlation with human judgements, and the nearest vectors, with formulas and loops."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.figures.word_similarity import judged, neighbours, similarity_figures, unit_vectors

pytestmark = pytest.mark.models  # gensim contains the judgements


def test_number_of_judged_pairs() -> None:
    wordsim, simlex = judged("wordsim"), judged("simlex")
    assert (len(wordsim), len(simlex)) == (353, 999)
    assert wordsim[1] == ("tiger", "cat", 7.35) and simlex[0] == ("old", "new", 1.58)
    assert all(word == word.lower() for each in (wordsim, simlex) for pair in each for word in pair[:2])


def test_rank_correlation_with_judgements() -> None:
    """The figure is Spearman's rank correlation between the judgements and the cosines of random vectors."""
    chosen = [("tiger", "cat"), ("book", "paper"), ("plane", "car"), ("drink", "car")]
    judgements = {(first, second): mean for first, second, mean in judged("wordsim")}
    words = Tokens(tuple(sorted({word for pair in chosen for word in pair} | {"old", "new", "hard", "easy"})), "words")
    known = [pair for pair in judgements if set(pair) <= set(words.names)]
    assert len(known) >= 4
    vectors = np.random.default_rng(0).normal(size=(words.size, 6)).astype(np.float32)
    figures = similarity_figures(vectors, words)
    assert figures["wordsim_pairs"] == len(known) and figures["simlex_pairs"] >= 2
    ids = {word: number for number, word in enumerate(words.names, 2)}
    cosines = [
        float(vectors[ids[a]] @ vectors[ids[b]] / np.linalg.norm(vectors[ids[a]]) / np.linalg.norm(vectors[ids[b]]))
        for a, b in known
    ]
    people, model = (np.argsort(np.argsort(each)) for each in ([judgements[pair] for pair in known], cosines))
    n = len(known)
    by_hand = 1 - 6 * np.sum((people - model) ** 2) / (n * (n**2 - 1))  # the formula for ranks without ties
    np.testing.assert_allclose(figures["wordsim"], by_hand, atol=1e-6)


def test_neighbours_have_the_largest_cosine() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 3)).astype(np.float32) * rng.uniform(0.1, 9, (20, 1)).astype(np.float32)
    found, cosines = neighbours(vectors, np.array([4, 11]), 5)
    for query, row, row_cosines in zip((4, 11), found, cosines, strict=True):
        angles = {
            other: np.arccos(vectors[query] @ vectors[other] / np.prod(np.linalg.norm(vectors[[query, other]], axis=1)))
            for other in range(20)
            if other != query
        }
        assert row.tolist() == sorted(angles, key=lambda other: angles[other])[:5]
        np.testing.assert_allclose(np.arccos(row_cosines), [angles[other] for other in row], atol=1e-3)


def test_zero_vector_stays_zero() -> None:
    np.testing.assert_allclose(unit_vectors(np.float32([[3, 4], [0, 0]])), [[0.6, 0.8], [0, 0]])
