"""The two tables of word2vec, and how well candidates fit what a network makes of its input words."""

from typing import Any

import keras
from keras import layers


def word_table(name: str, tokens: int, dim: int, **kwargs: Any) -> layers.Embedding:
    """A row for each id, uniform in ±1/(2 dim) before training, as word2vec's own."""
    start = keras.initializers.RandomUniform(-0.5 / dim, 0.5 / dim)
    return layers.Embedding(tokens, dim, embeddings_initializer=start, name=name, **kwargs)


def candidate_scores(hidden: Any, candidates: Any, tokens: int) -> Any:
    """σ(uᵀ h) for the row u of `output_embedding` of each candidate.

    Args:
        hidden: h, `(batch, dim)`.
        candidates: ids `(batch, k)`.
        tokens: how many ids there are.

    Returns:
        `(batch, k)`, from a layer named `scores`.
    """
    rows = word_table("output_embedding", tokens, hidden.shape[-1])(candidates)  # (batch, k, dim)
    products = layers.Dot((2, 1), name="products")([rows, hidden])  # (batch, k)
    return layers.Activation("sigmoid", name="scores")(products)
