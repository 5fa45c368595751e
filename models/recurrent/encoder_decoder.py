"""The recurrent network that reads a sequence into a vector and writes another one from it."""

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Count, Fraction
from ..registry import register
from ._cells import LAYERS, Cell
from ._decoder import teacher_forced


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
    """A sequence for a sequence of another length: all that is read goes through one vector before a word is written.

    Word by word, an answer would begin before the question has ended. The encoder reads it from both ends, half
    of the units each way; its last states are what the decoder begins from. The decoder tells each token from those
    before it: in training from the true ones, once trained from its own.

    Args:
        tokens: ids of the text that is read, with 0 for padding and 1 for the unknown.
        output_tokens: ids of the text that is written, with 2 for its start and 3 for its end.
        embedding_dim: values of a token.
        units: of the vector, even; an LSTM has a second one of that size.
        cell: of both halves.
        dropout: share of the values of a token that is read, and of the state before the softmax, that training
            leaves out.

    Formula:
        →h_t = cell(→h_{t−1}, E x_t), ←h_t = cell(←h_{t+1}, E x_t)
        v = (→h_T, ←h_1)
        s_0 = v, s_t = cell(s_{t−1}, D y_{t−1})
        p(y_t | y_1 … y_{t−1}, x) = softmax(W s_t + b)
        L = −1/N Σ_t log p(y_t | y_1 … y_{t−1}, x)

    Source:
        Notes 004, "Types of RNN", encoder-decoder; Sutskever, Vinyals and Le 2014, "Sequence to Sequence Learning with
        Neural Networks"; Yao and Zweig 2015 for pronunciations.

    Returns:
        A model of a dict, `text` ids int32 `(batch, time)` and `previous` ids `(batch, steps)`, which begin with 2, to
        probabilities `(batch, steps, output_tokens)`, float32. Its sub-model `encoder` gives the states `(batch,
        units)`, and `decoder` goes on from states.
    """
    if units % 2:
        raise BadHyperparameter(f"Expected units to be even, half of them for each direction. Received: {units}.")

    # === Layers ===
    one_way = LAYERS[cell](units // 2, return_state=True, name="states")
    both_ways = layers.Bidirectional(one_way, name="both_ways")

    # === Functional model ===
    text = keras.Input((None,), dtype="int32", name="text")
    x = layers.Embedding(tokens, embedding_dim, mask_zero=True, name="embedding")(text)  # (batch, time, dim)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    _, *states = both_ways(x)  # forward, then backward: h and c, or h alone
    half = len(states) // 2
    pairs = zip(states[:half], states[half:], strict=True)
    v = [layers.Concatenate(name=f"vector_{number}")(list(pair)) for number, pair in enumerate(pairs, 1)]
    encoder = keras.Model(text, v, name="encoder")
    return teacher_forced(encoder, output_tokens, embedding_dim, cell, dropout, "encoder_decoder")
