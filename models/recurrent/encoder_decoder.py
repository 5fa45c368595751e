"""The encoder-decoder network, which turns one text into another."""

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, Fraction
from ..registry import register
from ._cells import LAYERS, Cell
from ._decoder import teacher_forcing_model


@register
def encoder_decoder(
    *,
    tokens: Count = 32,
    output_tokens: Count = 48,
    embedding_dim: Count = 32,
    units: Count = 128,
    cell: Cell = "lstm",
    dropout: Fraction = 0.0,
) -> keras.Model:
    """Turns a text into a text of another length, such as a spelling into its pronunciation.

    The encoder reads the whole input before the decoder predicts the first token. The encoder is bidirectional, with
    half of the units for each direction. The last states of the encoder are the initial states of the decoder. The
    decoder predicts each token from the previous tokens: the true tokens in training, and the predicted tokens at
    inference.

    Args:
        tokens: size of the input vocabulary, including id 0 for padding and id 1 for an unknown token.
        output_tokens: size of the output vocabulary, including id 2 for the start and id 3 for the end of a text.
        embedding_dim: length of a token's vector.
        units: size of the decoder's state, an even number. An LSTM has two states of this size.
        cell: recurrent cell of encoder and decoder.
        dropout: dropout rate of the input tokens' vectors and of the decoder's outputs before the softmax layer: the
            fraction of values that are set to 0 in training.

    Formula:
        →h_t = cell(→h_{t−1}, E x_t), ←h_t = cell(←h_{t+1}, E x_t)
        v = (→h_T, ←h_1)
        s_0 = v, s_t = cell(s_{t−1}, D y_{t−1})
        p(y_t | y_1 … y_{t−1}, x) = softmax(W s_t + b)
        minimise L = −1/N Σ_t log p(y_t | y_1 … y_{t−1}, x), for all N tokens of a batch, without padding

    Source:
        Lecture notes 004, "Types of RNN", encoder-decoder; Sutskever, Vinyals and Le 2014, "Sequence to Sequence
        Learning with Neural Networks"; Yao and Zweig 2015 (pronunciations).

    Returns:
        A model from a dict of int32 ids, `text` `(batch, time)` and `previous` `(batch, steps)`, to probabilities
        `(batch, steps, output_tokens)`, float32. `previous` is the output text, shifted by one step so that it starts
        with id 2. The sub-model `encoder` returns the decoder's initial states `(batch, units)`. The sub-model
        `decoder` predicts a text from these states.
    """
    if units % 2:
        raise BadHyperparameter(
            f"Expected units to be even, because each direction has half of the units. Received: {units}."
        )

    # === Layers ===
    forward = LAYERS[cell](units // 2, return_state=True, name="states")
    bidirectional = layers.Bidirectional(forward, name="both_ways")

    # === Functional model ===
    text = keras.Input((None,), dtype="int32", name="text")
    x = layers.Embedding(tokens, embedding_dim, mask_zero=True, name="embedding")(text)  # (batch, time, dim)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    _, *states = bidirectional(x)  # forward states, then backward states: h and c of an LSTM, or h of a GRU
    half = len(states) // 2
    pairs = zip(states[:half], states[half:], strict=True)
    v = [layers.Concatenate(name=f"vector_{number}")(list(pair)) for number, pair in enumerate(pairs, 1)]
    encoder = keras.Model(text, v, name="encoder")
    return teacher_forcing_model(encoder, output_tokens, embedding_dim, cell, dropout, "encoder_decoder")
