"""Endpoints of models that generate a text from another text or from an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from ...preparation.description import Preparation
from .base import Data, Endpoint, Part, Tensors, joined, table_sizes
from .image_files import image_file_endpoints
from .tokens import END, PADDING, START, Tokens, tokens_of

MAX_STEPS = 64  # maximum number of generated tokens


def text_generator(
    model: keras.Model,
    seed: int,
    texts: Mapping[str, Tokens],
    pixels: str | None = "0..1",
    preparation: Preparation | None = None,
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with sub-models `encoder` and `decoder`.

    The encoder computes states from texts or images. The decoder computes `[probabilities, *states]` from
    `[previous, *states]`. Returns an empty dict if `texts` lacks the tokens of the output or of the input text.
    """
    if "output" not in texts:
        return {}
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    output = tokens_of(texts, "output", decoder.outputs[0].shape[-1])

    def generate(source: Any) -> Tensors:
        return {"text": output.texts(greedy_decode(encoder, decoder, source))}

    def generated(name: str) -> list[Part]:
        return [Part(generate, (name,))]

    data = Data(encoder, seed, pixels=pixels, preparation=preparation)
    if data.kind == "image":
        endpoints = {
            "caption": joined(generated(data.kind), [data.spec], data.example, pixels=data.pixels, notes=data.notes)
        }
        return endpoints | image_file_endpoints(data, endpoints, ("caption",))
    if "text" not in texts:
        return {}
    text = tokens_of(texts, "text", min(table_sizes(encoder)))
    endpoints = {"translate": text.text_endpoint(generated("ids"))}
    if (text.split, output.split) == ("characters", "spaces"):
        endpoints["pronounce"] = text.text_endpoint(generated("ids"))
    return endpoints


def greedy_decode(encoder: keras.Model, decoder: keras.Model, source: Any) -> Any:
    """Generates a text for each source (batch, …), with the most likely token at each step.

    Returns:
        ids (batch, steps) with at most `MAX_STEPS` steps, padded with 0 after the end.
    """
    encoded = encoder(source, training=False)
    states = list(encoded) if isinstance(encoded, list | tuple) else [encoded]
    count = tf.shape(source)[0]

    def is_unfinished(last: Any, ids: Any, *states: Any) -> Any:
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
    return tf.while_loop(is_unfinished, step, start, shapes, maximum_iterations=MAX_STEPS)[1]


def _has_ended(last: Any) -> Any:
    return tf.logical_or(last == END, last == PADDING)
