"""The network that predicts captions for images."""

from typing import Literal

import keras
from keras import layers, ops

from ..hyperparameters import Count, Counts, ImageShape
from ..registry import register
from ._cells import Cell
from ._decoder import STATES, teacher_forcing_model


@register
def vector_to_sequence(
    *,
    image_shape: ImageShape = (28, 28, 1),
    output_tokens: Count = 19,
    filters: Counts = (16, 32),
    embedding_dim: Count = 16,
    units: Count = 64,
    cell: Cell = "gru",
    feed: Literal["initial_state", "every_step"] = "initial_state",
) -> keras.Model:
    """Writes a caption for an image: convolutions encode the image, a recurrent decoder predicts the words.

    By default, the decoder receives the encoded image only once, as its initial state. So at each step, its state must
    still contain what the rest of the caption needs from the image. With `feed="every_step"`, the encoded image is an
    input of each step instead, and the initial state is 0.

    Args:
        image_shape: height, width and channels of the images.
        output_tokens: size of the vocabulary, including id 2 for the start and id 3 for the end of a text.
        filters: number of filters of each convolution. Each convolution halves height and width, rounded up.
        embedding_dim: length of a token's vector.
        units: size of the decoder's state. An LSTM has two states of this size.
        cell: recurrent cell of the decoder.
        feed: where the encoded image enters the decoder: `initial_state` or `every_step`.

    Formula:
        v = tanh(W conv(x) + b)
        initial_state: s_0 = v, s_t = cell(s_{t−1}, D y_{t−1})
        every_step:    s_0 = 0, s_t = cell(s_{t−1}, D y_{t−1} + C v)
        p(y_t | y_1 … y_{t−1}, x) = softmax(U s_t + c)
        minimise L = −1/N Σ_t log p(y_t | y_1 … y_{t−1}, x), for all N tokens of a batch, without padding

    Source:
        Lecture notes 004, "Types of RNN", vector to sequence (an image and its caption; the vector is
        the input at each step); Vinyals et al. 2015, "Show and
        Tell".

    Returns:
        A model from a dict, `image` `(batch, height, width, channels)` and int32 ids `previous` `(batch, steps)`, to
        probabilities `(batch, steps, output_tokens)`, float32. `previous` is the caption, shifted by one step so that
        it starts with id 2. The sub-model `encoder` returns the decoder's initial states `(batch, units)`. The
        sub-model `decoder` predicts a caption from these states.
    """
    # === Functional model ===
    image = keras.Input(image_shape, name="image")
    x = image
    for number, count in enumerate(filters, 1):
        x = layers.Conv2D(count, 3, strides=2, padding="same", activation="relu", name=f"conv_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    count = 1 if feed == "every_step" else STATES[cell]
    v = [layers.Dense(units, activation="tanh", name=f"vector_{n}")(x) for n in range(1, count + 1)]
    if feed == "every_step":
        v = [ops.zeros_like(v[0])] * STATES[cell] + v
    encoder = keras.Model(image, v, name="encoder")
    return teacher_forcing_model(encoder, output_tokens, embedding_dim, cell, 0.0, "vector_to_sequence")
