"""The network that predicts a tag for each token of a text."""

import keras
from keras import layers

from ..hyperparameters import Count, Fraction
from ..registry import register
from ._cells import LAYERS, AnyCell


@register
def sequence_tagger(
    *,
    tokens: Count = 29,
    embedding_dim: Count = 32,
    units: Count = 64,
    cell: AnyCell = "gru",
    bidirectional: bool = False,
    dropout: Fraction = 0.0,
    tags: Count = 49,
) -> keras.Model:
    """Predicts a tag at each step of a text: many-to-many in step, with an output for each input.

    The other kinds of recurrent networks are `sequence_to_vector` (many-to-one: one output after the last step),
    `vector_to_sequence` (one-to-many) and `encoder_decoder` (many-to-many out of step: it reads the whole text before
    it predicts).

    If the network is not bidirectional, the tag of a step depends only on this step and on the steps before it. Such a
    network can also be called step by step, with the state of the step before.

    Args:
        tokens: size of the vocabulary, including id 0 for padding and id 1 for an unknown token.
        embedding_dim: length of a token's vector.
        units: size of the state in each direction.
        cell: recurrent cell.
        bidirectional: whether a second layer reads the text backwards, so that each tag depends on the whole text.
        dropout: dropout rate of the tokens' vectors and of the states before the softmax layer: the fraction of values
            that are set to 0 in training.
        tags: k, the number of different tags.

    Formula:
        h_t = cell(h_{t−1}, E_{x_t}) for the tokens x_t, t = 1 … T, where E_i is row i of the embedding
        v_t = h_t, or (→h_t, ←h_t) if bidirectional
        ŷ_t = softmax(Wᵀ v_t + b)
        minimise L = 1/N Σ_t L_t, L_t = −log ŷ_t[y_t], where N is the number of steps of all texts, without padding
        ∂L/∂w = 1/N Σ_t ∂L_t/∂w for each weight w: all steps have the same weights

    Source:
        Lecture notes 004, "Types of RNN" and "Back-propagation through time", L(ŷ_0 … ŷ_T) = Σ_t L_t; Sejnowski and
        Rosenberg 1987, "Parallel Networks that Learn to Pronounce English Text" (a phoneme for each letter); Graves and
        Schmidhuber 2005, "Framewise Phoneme Classification with Bidirectional LSTM".

    Returns:
        A model from ids `(batch, time)`, int32, to tag probabilities `(batch, time, tags)`, float32. The layer `states`
        returns v `(batch, time, units)`, or `(batch, time, 2 · units)` if bidirectional. Padding on the right does not
        change the probabilities of the other steps, and does not count in the loss.
    """
    # === Layers ===
    recurrent = LAYERS[cell](units, return_sequences=True, name="states")
    if bidirectional:
        recurrent = layers.Bidirectional(recurrent, name="states")

    # === Functional model ===
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(tokens, embedding_dim, mask_zero=True, name="token_embedding")(ids)  # (batch, time, dim)
    x = layers.Dropout(dropout, name="dropout_1")(x) if dropout else x
    v = recurrent(x)  # (batch, time, units)
    v = layers.Dropout(dropout, name="dropout_2")(v) if dropout else v
    y_hat = layers.Dense(tags, activation="softmax", name="tag_probabilities")(v)  # (batch, time, tags)
    return keras.Model(ids, y_hat, name="sequence_tagger")
