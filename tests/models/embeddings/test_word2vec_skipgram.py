"""Compares `word2vec_skipgram` and its gradients with the formulas of word2vec in NumPy."""

from __future__ import annotations

import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import BinaryCrossentropy

from ..gradients import weight_gradients
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
TOKENS = 9
WORD = RANDOM.integers(2, TOKENS, (6, 1)).astype(np.int32)
CANDIDATES = RANDOM.integers(2, TOKENS, (6, 4)).astype(np.int32)
LABELS = np.tile(np.float32([1, 0, 0, 0]), (6, 1))
INPUTS = {"word": WORD, "candidates": CANDIDATES}


def test_scores_are_the_sigmoids_of_the_products() -> None:
    model = create("word2vec_skipgram", tokens=TOKENS, dim=5)
    v, u = randomise(model)
    one_hot = np.eye(TOKENS, dtype=np.float32)[WORD[:, 0]]
    products = np.einsum("bkd,bd->bk", u[CANDIDATES], one_hot @ v)
    np.testing.assert_allclose(to_numpy(model(INPUTS)), 1 / (1 + np.exp(-products)), rtol=1e-5)
    np.testing.assert_array_equal(to_numpy(model.get_layer("embedding")(WORD[:, 0])), one_hot @ v)


def test_loss_and_gradients_of_negative_sampling() -> None:
    """The loss is L = −log σ(u₁ᵀh) − Σ_{j>1} log σ(−u_jᵀh).

    Its gradients are ∂L/∂u_j = (σ(u_jᵀh) − t_j) h and ∂L/∂h = Σ_j (σ(u_jᵀh) − t_j) u_j.
    """
    model = create("word2vec_skipgram", tokens=TOKENS, dim=5)
    v, u = randomise(model)
    expected_loss, by_v, by_u = 0.0, np.zeros_like(v), np.zeros_like(u)
    for word, candidates in zip(WORD[:, 0], CANDIDATES, strict=True):
        for candidate, label in zip(candidates, LABELS[0], strict=True):
            score = 1 / (1 + np.exp(-u[candidate] @ v[word]))
            expected_loss -= np.log(score if label else 1 - score) / len(WORD)
            by_u[candidate] += (score - label) * v[word] / len(WORD)
            by_v[word] += (score - label) * u[candidate] / len(WORD)
    np.testing.assert_allclose(float(BinaryCrossentropy()(LABELS, model(INPUTS))), expected_loss, rtol=1e-5)
    found = weight_gradients(model, lambda scores: BinaryCrossentropy()(LABELS, scores), INPUTS)
    np.testing.assert_allclose(found[0], by_v, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1], by_u, rtol=1e-4, atol=1e-6)


def test_initial_embeddings_are_small() -> None:
    """As in word2vec, the initial values are within ±1/(2 dim), so all scores start at about one half."""
    model = create("word2vec_skipgram", tokens=500, dim=20)
    for table in model.get_weights():
        assert 0.02 < np.abs(table).max() <= 1 / 40
    np.testing.assert_allclose(to_numpy(model(INPUTS)), 0.5, atol=0.01)
