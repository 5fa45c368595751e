"""The skip-gram model of word2vec: predicts the words around a word."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._scores import candidate_scores, word_table


@register
def word2vec_skipgram(*, tokens: Count = 10_000, dim: Count = 100) -> keras.Model:
    """Learns word vectors by predicting the words around a word (skip-gram).

    The hidden layer is the embedding of the word. These embeddings are the word vectors that the training produces.
    Each training example has a word and k candidate words, and the model scores the candidates. One candidate is a word
    nearby. All other candidates are drawn at random (negative sampling). The training examples determine the largest
    distance between a word and a word nearby.

    This is the skip-gram model of Mikolov et al. The lecture notes use the name CBOW for this model, and the name
    skip-gram for a model that predicts all words around a word at once. The loss of that model is the sum of the losses
    of the pairs (word, word nearby).

    Args:
        tokens: size of the vocabulary, including id 0 for padding and id 1 for an unknown word.
        dim: length of a word vector.

    Formula:
        h = v_w
        score_j = σ(u_jᵀ h)
        minimise L = −log score_1 − Σ_{j>1} log(1 − score_j),  where candidate 1 is the word nearby

    Source:
        Lecture notes 004, "Word2vec"; Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Returns:
        A model from a dict of int32 ids, `word` `(batch, 1)` and `candidates` `(batch, k)`, to scores `(batch, k)` in
        [0, 1], float32. The layer `embedding` contains the vectors v. The layer `output_embedding` contains the vectors
        u.
    """
    # === Functional model ===
    word = keras.Input((1,), dtype="int32", name="word")
    candidates = keras.Input((None,), dtype="int32", name="candidates")
    hidden = layers.Flatten(name="vector")(word_table("embedding", tokens, dim)(word))  # (batch, dim)
    scores = candidate_scores(hidden, candidates, tokens)
    return keras.Model({"word": word, "candidates": candidates}, scores, name="word2vec_skipgram")
