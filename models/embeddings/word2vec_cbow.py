"""The continuous bag of words: a word from the words around it."""

import keras

from ..hyperparameters import Count
from ..layers.masked_mean import MaskedMean
from ..registry import register
from ._scores import candidate_scores, word_table


@register
def word2vec_cbow(*, tokens: Count = 10_000, dim: Count = 100, window: Count = 5) -> keras.Model:
    """A word from the words around it: which of the candidates stands in their middle.

    One hidden layer, which is linear: the mean of the context's rows of a table, whose weights are what is wanted in
    the end. Among k candidates, one true and the others drawn at random (negative sampling), a softmax over
    the whole vocabulary becomes k yes-or-no questions.

    This is what Mikolov et al. call CBOW. The notes draw that name over pairs (word, word nearby) instead, one output
    each; `word2vec_skipgram` learns from those.

    Args:
        tokens: ids, with 0 for padding and 1 for an unknown word.
        dim: length of a word's vector.
        window: words on each side that a context holds at most.

    Formula:
        h = 1/|C| Σ_{c ∈ C} v_c,  C the context without padding
        score_j = σ(u_jᵀ h)
        L = −log score_1 − Σ_{j>1} log(1 − score_j),  candidate 1 the true word

    Source:
        Notes 004, "Word2vec"; Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Returns:
        A model {`context` (batch, 2 · window), `candidates` (batch, k)}, int32 ids, to scores (batch, k) in [0, 1],
        float32; its layer `embedding` holds the vectors v, `output_embedding` the u.
    """
    # === Functional model ===
    context = keras.Input((2 * window,), dtype="int32", name="context")
    candidates = keras.Input((None,), dtype="int32", name="candidates")
    words = word_table("embedding", tokens, dim, mask_zero=True)(context)  # (batch, 2 · window, dim)
    hidden = MaskedMean(name="mean")(words)  # (batch, dim)
    scores = candidate_scores(hidden, candidates, tokens)
    return keras.Model({"context": context, "candidates": candidates}, scores, name="word2vec_cbow")
