"""The endpoints of models that write a text: for another text, or for an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from .base import Data, Endpoint, Tensors, table_sizes
from .tokens import END, PADDING, START, Tokens, of_size

MAX_STEPS = 64  # tokens that are written at most


def writer(model: keras.Model, seed: int, texts: Mapping[str, Tokens]) -> dict[str, Endpoint]:
    """What has sub-models `encoder`, of texts or images to states, and `decoder`, of `[previous, *states]` to
    `[probabilities, *states]`. None where the tokens are not known.
    """
    if "output" not in texts:
        return {}
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    output = of_size(texts, "output", decoder.outputs[0].shape[-1])

    def write(source: Any) -> Tensors:
        return {"text": output.texts(written(encoder, decoder, source))}

    data = Data(encoder, seed)
    if data.kind == "image":
        found = {"caption": data.endpoint(write)}
        return found | data.over_files(found, ("caption",))
    if "text" not in texts:
        return {}
    text = of_size(texts, "text", min(table_sizes(encoder)))
    found = {"translate": text.over(write)}
    if (text.split, output.split) == ("characters", "spaces"):
        found["pronounce"] = text.over(write)
    return found


def written(encoder: keras.Model, decoder: keras.Model, source: Any) -> Any:
    """What is written for each source (batch, …), the likeliest token at each step: ids (batch, steps), 0 from the end
    on.
    """
    found = encoder(source, training=False)
    states = list(found) if isinstance(found, list | tuple) else [found]
    count = tf.shape(source)[0]

    def goes_on(last: Any, ids: Any, *states: Any) -> Any:
        return tf.logical_not(tf.reduce_all(_has_ended(last)))

    def step(last: Any, ids: Any, *states: Any) -> tuple[Any, ...]:
        p, *states = decoder([last[:, tf.newaxis], *states], training=False)  # (batch, 1, tokens), (batch, units) each
        last = tf.where(_has_ended(last), PADDING, tf.argmax(p[:, 0], -1, tf.int32))  # (batch,)
        shown = tf.where(last == END, PADDING, last)
        return last, tf.concat([ids, shown[:, tf.newaxis]], 1), *states

    start = (tf.fill([count], START), tf.zeros([count, 0], tf.int32), *states)
    shapes = (
        tf.TensorShape([None]),
        tf.TensorShape([None, None]),
        *(tf.TensorShape([None, *s.shape[1:]]) for s in states),
    )
    return tf.while_loop(goes_on, step, start, shapes, maximum_iterations=MAX_STEPS)[1]


def _has_ended(last: Any) -> Any:
    return tf.logical_or(last == END, last == PADDING)
