"""The network that classifies texts."""

import keras
from keras import layers

from ..hyperparameters import Count, Fraction
from ..registry import register
from ._cells import LAYERS, AnyCell


@register
def sequence_to_vector(
    *,
    tokens: Count = 5000,
    embedding_dim: Count = 32,
    units: Count = 32,
    cell: AnyCell = "gru",
    bidirectional: bool = False,
    dropout: Fraction = 0.0,
    classes: Count = 2,
) -> keras.Model:
    """Classifies a text: a recurrent layer reads the words, and a dense layer classifies the last state.

    Args:
        tokens: size of the vocabulary, including id 0 for padding and id 1 for an unknown word.
        embedding_dim: length of a word's vector.
        units: size of the state in each direction.
        cell: recurrent cell.
        bidirectional: whether a second layer reads the text backwards.
        dropout: dropout rate of the words' vectors and of the last state: the fraction of values that are set to 0 in
            training.
        classes: k, the number of classes.

    Formula:
        h_t = cell(h_{t−1}, E_{x_t}) for the words x_t, t = 1 … T, where E_i is row i of the embedding
        v = h_T, or (→h_T, ←h_1) if bidirectional
        ŷ = softmax(Wᵀ v + b)
        minimise L = −log ŷ_ℓ, where ℓ is the true class

    Source:
        Lecture notes 004, "Types of RNN", sequence to vector (the sentiment of a movie review); Schuster and Paliwal
        1997, "Bidirectional Recurrent Neural Networks".

    Returns:
        A model from ids `(batch, time)`, int32, to class probabilities `(batch, classes)`, float32. The layer
        `embedding` returns v `(batch, units)`, or `(batch, 2 · units)` if bidirectional. Padding does not change the
        result.
    """
    # === Layers ===
    recurrent = LAYERS[cell](units, name="embedding")
    if bidirectional:
        recurrent = layers.Bidirectional(recurrent, name="embedding")

    # === Functional model ===
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(tokens, embedding_dim, mask_zero=True, name="token_embedding")(ids)  # (batch, time, dim)
    x = layers.Dropout(dropout, name="dropout_1")(x) if dropout else x
    v = recurrent(x)  # (batch, units)
    v = layers.Dropout(dropout, name="dropout_2")(v) if dropout else v
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(v)
    return keras.Model(ids, y_hat, name="sequence_to_vector")
