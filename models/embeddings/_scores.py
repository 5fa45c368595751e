"""The embedding layers of word2vec, and the scores of candidate words."""

from typing import Any

import keras
from keras import layers


def word_table(name: str, tokens: int, dim: int, **kwargs: Any) -> layers.Embedding:
    """Returns an embedding layer with the initial weights of word2vec: uniform in ±1/(2 dim)."""
    start = keras.initializers.RandomUniform(-0.5 / dim, 0.5 / dim)
    return layers.Embedding(tokens, dim, embeddings_initializer=start, name=name, **kwargs)


def candidate_scores(hidden: Any, candidates: Any, tokens: int) -> Any:
    """Returns the score σ(uᵀ h) of each candidate, where u is the candidate's vector in `output_embedding`.

    Args:
        hidden: h, the output of the hidden layer, `(batch, dim)`.
        candidates: ids of the candidates, `(batch, k)`.
        tokens: size of the vocabulary.

    Returns:
        The output `(batch, k)` of a layer named `scores`.
    """
    rows = word_table("output_embedding", tokens, hidden.shape[-1])(candidates)  # (batch, k, dim)
    products = layers.Dot((2, 1), name="products")([rows, hidden])  # (batch, k)
    return layers.Activation("sigmoid", name="scores")(products)
