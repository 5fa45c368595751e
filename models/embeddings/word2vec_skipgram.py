"""The skip-gram: the words around it from a word."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._scores import candidate_scores, word_table


@register
def word2vec_skipgram(*, tokens: Count = 10_000, dim: Count = 100) -> keras.Model:
    """The words around it from a word: which of the candidates stands near.

    One hidden layer, which is linear: the word's row of a table, whose weights are what is wanted in the end. Each
    word nearby is a question of its own, asked beside candidates drawn at random (negative sampling): how far a
    context reaches is a matter of the training alone.

    This is what Mikolov et al. call skip-gram, in pairs (word, word nearby). The notes draw such pairs under the
    name of CBOW, and under skip-gram a word with all words around it at once, whose loss is the sum of the pairs'.

    Args:
        tokens: ids, with 0 for padding and 1 for an unknown word.
        dim: length of a word's vector.

    Formula:
        h = v_w
        score_j = σ(u_jᵀ h)
        L = −log score_1 − Σ_{j>1} log(1 − score_j),  candidate 1 the word nearby

    Source:
        Notes 004, "Word2vec"; Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Returns:
        A model {`word` (batch, 1), `candidates` (batch, k)}, int32 ids, to scores (batch, k) in [0, 1], float32; its
        layer `embedding` holds the vectors v, `output_embedding` the u.
    """
    # === Functional model ===
    word = keras.Input((1,), dtype="int32", name="word")
    candidates = keras.Input((None,), dtype="int32", name="candidates")
    hidden = layers.Flatten(name="vector")(word_table("embedding", tokens, dim)(word))  # (batch, dim)
    scores = candidate_scores(hidden, candidates, tokens)
    return keras.Model({"word": word, "candidates": candidates}, scores, name="word2vec_skipgram")
