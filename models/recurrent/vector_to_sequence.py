"""The recurrent network that writes a sequence from one vector: a caption of an image."""

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape
from ..registry import register
from ._cells import Cell
from ._decoder import STATES, teacher_forced


@register
def vector_to_sequence(
    *,
    image_shape: ImageShape = (28, 28, 1),
    output_tokens: Count = 19,
    filters: Counts = (16, 32),
    embedding_dim: Count = 16,
    units: Count = 64,
    cell: Cell = "gru",
) -> keras.Model:
    """A text for an image: convolutions make a vector of it, and a language model begins from that vector.

    The image is seen once, before the first token. What is still to be written after each token, the state has to
    remember.

    Args:
        image_shape: height, width and channels of the images.
        output_tokens: ids of the text that is written, with 2 for its start and 3 for its end.
        filters: of each convolution; each halves height and width.
        embedding_dim: values of a token.
        units: of the vector; an LSTM has a second one of that size.
        cell: of the writing half.

    Formula:
        v = tanh(W conv(x) + b)
        s_0 = v, s_t = cell(s_{t−1}, D y_{t−1})
        p(y_t | y_1 … y_{t−1}, x) = softmax(U s_t + c)
        L = −1/N Σ_t log p(y_t | y_1 … y_{t−1}, x)

    Source:
        Notes 004, "Types of RNN", vector to sequence (an image and its caption); Vinyals et al. 2015, "Show and Tell".

    Returns:
        A model of a dict, `image` `(batch, height, width, channels)` and `previous` ids int32 `(batch, steps)`, which
        begin with 2, to probabilities `(batch, steps, output_tokens)`, float32. Its sub-model `encoder` gives the
        states `(batch, units)`, and `decoder` goes on from states.
    """
    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    x = image
    for number, count in enumerate(filters, 1):
        x = layers.Conv2D(count, 3, strides=2, padding="same", activation="relu", name=f"conv_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    v = [layers.Dense(units, activation="tanh", name=f"vector_{n}")(x) for n in range(1, STATES[cell] + 1)]
    encoder = keras.Model(image, v, name="encoder")
    return teacher_forced(encoder, output_tokens, embedding_dim, cell, 0.0, "vector_to_sequence")
