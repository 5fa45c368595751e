"""The text decoder of `encoder_decoder` and `vector_to_sequence`, which predicts the tokens of a text one by one."""

import keras
from keras import layers

from ._cells import LAYERS, Cell

STATES = {"lstm": 2, "gru": 1}  # number of state arrays of a cell


def text_decoder(
    output_tokens: int, embedding_dim: int, units: int, cell: Cell, dropout: float, *, takes_vector: bool = False
) -> keras.Model:
    """Returns the model `decoder`: a language model whose initial states are inputs.

    With `takes_vector`, the last state is a vector that is also an input of each step. It stays the same.

    Returns:
        A model from `[previous, *states]` to `[probabilities, *final_states]`: `previous` are int32 ids
        `(batch, time)`, each state is `(batch, units)`, and `probabilities` are `(batch, time, output_tokens)`. A call
        can process a whole text. To process a text step by step, pass the final states of each call to the next call.
    """
    previous = keras.Input((None,), dtype="int32", name="previous")
    states = [keras.Input((units,), name=f"state_{number}") for number in range(1, STATES[cell] + 1)]
    x = layers.Embedding(output_tokens, embedding_dim, name="output_embedding")(previous)  # (batch, time, dim)
    vectors = [keras.Input((units,), name="vector")] if takes_vector else []
    for vector in vectors:
        projected = layers.Dense(embedding_dim, use_bias=False, name="vector_projection")(vector)
        x = layers.Add(name="fed_input")([x, layers.Reshape((1, embedding_dim), name="at_each_step")(projected)])
    recurrent = LAYERS[cell](units, return_sequences=True, return_state=True, name="output_states")
    h, *final_states = recurrent(x, initial_state=states)  # (batch, time, units)
    if dropout:
        h = layers.Dropout(dropout, name="output_dropout")(h)
    p = layers.Dense(output_tokens, activation="softmax", name="probabilities")(h)
    unchanged = [layers.Identity(name="same_vector")(vector) for vector in vectors]
    return keras.Model([previous, *states, *vectors], [p, *final_states, *unchanged], name="decoder")


def teacher_forcing_model(
    encoder: keras.Model, output_tokens: int, embedding_dim: int, cell: Cell, dropout: float, name: str
) -> keras.Model:
    """Joins `encoder` and a new decoder into a model for training with teacher forcing.

    The model predicts each token from the states of the encoder and from the true tokens before the predicted token. If
    the encoder has an output more than the cell has states, this vector is an input of each step of the decoder.

    Returns:
        A model from a dict to probabilities `(batch, time, output_tokens)`. The dict contains the input of `encoder`
        under the name of this input, and int32 ids `previous` `(batch, time)`.
    """
    states = encoder.outputs
    takes_vector = len(states) > STATES[cell]
    decoder = text_decoder(output_tokens, embedding_dim, states[0].shape[-1], cell, dropout, takes_vector=takes_vector)
    source = keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name=encoder.inputs[0].name)
    previous = keras.Input((None,), dtype="int32", name="previous")
    outputs = encoder(source)
    p, *_ = decoder([previous, *(outputs if isinstance(outputs, list) else [outputs])])
    p = layers.Identity(name="token_probabilities")(p)
    return keras.Model({source.name: source, "previous": previous}, p, name=name)
