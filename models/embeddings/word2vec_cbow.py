"""The continuous bag of words (CBOW) of word2vec: predicts a word from the words around it."""

import keras

from ..hyperparameters import Count
from ..layers.masked_mean import MaskedMean
from ..registry import register
from ._scores import candidate_scores, word_table


@register
def word2vec_cbow(*, tokens: Count = 10_000, dim: Count = 100, window: Count = 5) -> keras.Model:
    """Learns word vectors by predicting a word from the words around it (continuous bag of words).

    The hidden layer is the mean of the embeddings of the context words. These embeddings are the word vectors that the
    training produces. Instead of a softmax over the whole vocabulary, the model scores k candidate words. One candidate
    is the true word. All other candidates are drawn at random (negative sampling).

    This is the CBOW model of Mikolov et al. The lecture notes use the name CBOW for a model that learns from pairs
    (word, word nearby). In this package, that model is `word2vec_skipgram`.

    Args:
        tokens: size of the vocabulary, including id 0 for padding and id 1 for an unknown word.
        dim: length of a word vector.
        window: largest number of context words on each side.

    Formula:
        h = 1/|C| Σ_{c ∈ C} v_c,  where C is the context without padding
        score_j = σ(u_jᵀ h)
        minimise L = −log score_1 − Σ_{j>1} log(1 − score_j),  where candidate 1 is the true word

    Source:
        Lecture notes 004, "Word2vec"; Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Returns:
        A model from a dict of int32 ids, `context` `(batch, 2 · window)` and `candidates` `(batch, k)`, to scores
        `(batch, k)` in [0, 1], float32. The layer `embedding` contains the vectors v. The layer `output_embedding`
        contains the vectors u.
    """
    # === Functional model ===
    context = keras.Input((2 * window,), dtype="int32", name="context")
    candidates = keras.Input((None,), dtype="int32", name="candidates")
    words = word_table("embedding", tokens, dim, mask_zero=True)(context)  # (batch, 2 · window, dim)
    hidden = MaskedMean(name="mean")(words)  # (batch, dim)
    scores = candidate_scores(hidden, candidates, tokens)
    return keras.Model({"context": context, "candidates": candidates}, scores, name="word2vec_cbow")
