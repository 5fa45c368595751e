"""Compares `word2vec_cbow` with the formulas of word2vec in NumPy, and checks that it ignores padding."""

from __future__ import annotations

import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import BinaryCrossentropy

from ..gradients import weight_gradients
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
TOKENS = 9
CONTEXT = np.array([[3, 4, 5, 6], [0, 4, 5, 0], [0, 0, 8, 8], [2, 0, 0, 0]], np.int32)
CANDIDATES = RANDOM.integers(2, TOKENS, (4, 3)).astype(np.int32)
LABELS = np.tile(np.float32([1, 0, 0]), (4, 1))
INPUTS = {"context": CONTEXT, "candidates": CANDIDATES}


def test_scores_loss_and_gradients() -> None:
    """h is the mean of the vectors of the context words, so each vector has the same share of ∂L/∂h."""
    model = create("word2vec_cbow", tokens=TOKENS, dim=5, window=2)
    v, u = randomise(model)
    scores, expected_loss, by_v, by_u = [], 0.0, np.zeros_like(v), np.zeros_like(u)
    for context, candidates, labels in zip(CONTEXT, CANDIDATES, LABELS, strict=True):
        words = context[context > 0]
        h = v[words].mean(axis=0)
        score = 1 / (1 + np.exp(-u[candidates] @ h))
        scores.append(score)
        expected_loss -= (labels * np.log(score) + (1 - labels) * np.log(1 - score)).sum() / len(CONTEXT)
        by_product = (score - labels) / len(CONTEXT)
        np.add.at(by_u, candidates, by_product[:, None] * h)
        np.add.at(by_v, words, by_product @ u[candidates] / len(words))
    np.testing.assert_allclose(to_numpy(model(INPUTS)), scores, rtol=1e-5)
    np.testing.assert_allclose(float(BinaryCrossentropy()(LABELS, model(INPUTS))), expected_loss, rtol=1e-5)
    found = weight_gradients(model, lambda scores: BinaryCrossentropy()(LABELS, scores), INPUTS)
    np.testing.assert_allclose(found[0], by_v, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1], by_u, rtol=1e-4, atol=1e-6)
    assert not found[0][0].any()  # padding has no gradient


def test_padding_at_any_position_is_ignored() -> None:
    model = create("word2vec_cbow", tokens=TOKENS, dim=5, window=2)
    randomise(model)
    contexts = np.array([[3, 4, 0, 0], [0, 3, 0, 4], [4, 3, 0, 0], [3, 3, 4, 4]], np.int32)
    scores = to_numpy(model({"context": contexts, "candidates": CANDIDATES[[0, 0, 0, 0]]}))
    np.testing.assert_allclose(scores, scores[[0, 0, 0, 0]], rtol=1e-5)


def test_empty_context_scores_one_half() -> None:
    model = create("word2vec_cbow", tokens=TOKENS, dim=5, window=2)
    randomise(model)
    scores = to_numpy(model({"context": 0 * CONTEXT, "candidates": CANDIDATES}))
    np.testing.assert_array_equal(scores, np.full((4, 3), 0.5, np.float32))
