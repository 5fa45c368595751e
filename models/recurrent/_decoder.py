"""What writes a text token by token, from a vector: the second half of two models."""

import keras
from keras import layers

from ._cells import LAYERS, Cell

STATES = {"lstm": 2, "gru": 1}  # arrays that a cell hands on to its next step


def text_decoder(output_tokens: int, embedding_dim: int, units: int, cell: Cell, dropout: float) -> keras.Model:
    """The model `decoder`: a language model that begins from given states.

    Returns:
        A model of `[previous, *states]`, ids int32 `(batch, time)` and `(batch, units)` each, to
        `[probabilities, *states]`, `(batch, time, output_tokens)` and `(batch, units)` each. One step at a time or
        many at once, it is the same.
    """
    previous = keras.Input((None,), dtype="int32", name="previous")
    states = [keras.Input((units,), name=f"state_{number}") for number in range(1, STATES[cell] + 1)]
    x = layers.Embedding(output_tokens, embedding_dim, name="output_embedding")(previous)  # (batch, time, dim)
    recurrent = LAYERS[cell](units, return_sequences=True, return_state=True, name="output_states")
    h, *after = recurrent(x, initial_state=states)  # (batch, time, units)
    if dropout:
        h = layers.Dropout(dropout, name="output_dropout")(h)
    p = layers.Dense(output_tokens, activation="softmax", name="probabilities")(h)
    return keras.Model([previous, *states], [p, *after], name="decoder")


def teacher_forced(
    encoder: keras.Model, output_tokens: int, embedding_dim: int, cell: Cell, dropout: float, name: str
) -> keras.Model:
    """`encoder` and a decoder of its states, to be trained: each token is told from the true ones before it.

    Returns:
        A model of a dict, the encoder's input under its own name and ids `previous` `(batch, time)`, to probabilities
        `(batch, time, output_tokens)`.
    """
    states = encoder.outputs
    decoder = text_decoder(output_tokens, embedding_dim, states[0].shape[-1], cell, dropout)
    source = keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name=encoder.inputs[0].name)
    previous = keras.Input((None,), dtype="int32", name="previous")
    found = encoder(source)
    p, *_ = decoder([previous, *(found if isinstance(found, list) else [found])])
    p = layers.Identity(name="token_probabilities")(p)
    return keras.Model({source.name: source, "previous": previous}, p, name=name)
