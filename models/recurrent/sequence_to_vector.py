"""The network that reads a text and tells its class."""

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
    """A text read word by word; of all the states on the way only the last one is asked.

    Args:
        tokens: ids of the words, with 0 for padding and 1 for the unknown.
        embedding_dim: values of a word.
        units: of the state, in each direction.
        cell: of the recurrent layer.
        bidirectional: whether a second layer reads the text from its end.
        dropout: share of the words' values, and of the last state, that is left out in training.
        classes: k, how many there are.

    Formula:
        h_t = cell(h_{t−1}, E_{x_t}), t = 1 … T, the words; E_i is a row of a matrix
        v = h_T, or (→h_T, ←h_1) from both ends
        ŷ = softmax(Wᵀ v + b)

    Source:
        Notes 004, "Types of RNN", sequence to vector (a movie review to its sentiment); Schuster and Paliwal 1997,
        "Bidirectional Recurrent Neural Networks".

    Returns:
        A model of ids `(batch, time)`, int32, to class probabilities `(batch, classes)`, float32; its layer
        `embedding` gives v `(batch, units)`, twice as many from both ends. Padding changes nothing.
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
