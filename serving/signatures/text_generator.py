"""Endpoints of models that generate a text from another text or from an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from ...preparation.description import Preparation
from ...preparation.splits import END, PADDING, START
from ..steps.generated import MAX_STEPS, Generated
from .base import Data, Endpoint, Part, Tensors, table_sizes
from .endpoint import graph_part, joined
from .image_files import image_file_endpoints
from .tokens import Tokens, tokens_of


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

    data = Data(encoder, seed, pixels=pixels, preparation=preparation)
    if data.kind == "image":
        endpoints = {
            "caption": joined(
                [generated(encoder, decoder, data.spec), output.texts_part("generated", "text")],
                [data.spec],
                data.example,
                pixels=data.pixels,
                notes=data.notes,
            )
        }
        return endpoints | image_file_endpoints(data, endpoints, ("caption",))
    if "text" not in texts:
        return {}
    text = tokens_of(texts, "text", min(table_sizes(encoder)))
    ids = tf.TensorSpec((None, None), tf.int32, name="ids")
    parts = [
        generated(encoder, decoder, ids, {"ids": len(text.names) + 2}),
        output.texts_part("generated", "text"),
    ]
    endpoints = {"translate": text.text_endpoint(parts)}
    if (text.split, output.split) == ("characters", "spaces"):
        endpoints["pronounce"] = text.text_endpoint(parts)
    return endpoints


def generated(encoder: keras.Model, decoder: keras.Model, source: Any, limits: Mapping[str, int] | None = None) -> Part:
    """Returns the part that generates the ids of texts (batch, steps): see `greedy_decode`.

    Args:
        encoder: the encoder.
        decoder: the decoder.
        source: the `tf.TensorSpec` of the encoder's input.
        limits: the number of ids, if the input is ids.
    """
    _, *states = decoder.inputs
    names = tuple(f"state_{number}" for number in range(1, len(states) + 1))
    specs = [
        tf.TensorSpec((None, *each.shape[1:]), keras.backend.standardize_dtype(each.dtype), name=name)
        for name, each in zip(names, states, strict=True)
    ]

    def encode(x: Any) -> Tensors:
        return dict(zip(names, _encoded(encoder, x), strict=True))

    def decode(previous: Any, *states: Any) -> Tensors:
        p, *states = decoder([previous, *states], training=False)
        return {"probabilities": p[:, 0], **dict(zip(names, states, strict=True))}

    previous = tf.TensorSpec((None, 1), tf.int32, name="previous")
    return Part(
        lambda x: {"generated": greedy_decode(encoder, decoder, x)},
        (source.name,),
        lambda encoder, decoder: Generated(source.name, encoder, decoder, names),
        (
            graph_part(encode, source, limits=limits),
            graph_part(decode, previous, *specs, limits={"previous": decoder.outputs[0].shape[-1]}),
        ),
    )


def greedy_decode(encoder: keras.Model, decoder: keras.Model, source: Any) -> Any:
    """Generates a text for each source (batch, …), with the most likely token at each step.

    Returns:
        ids (batch, steps) with at most `MAX_STEPS` steps, padded with 0 after the end.
    """
    states = _encoded(encoder, source)
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


def _encoded(encoder: keras.Model, source: Any) -> list[Any]:
    """Returns the states (batch, units) that the encoder computes."""
    encoded = encoder(source, training=False)
    return list(encoded) if isinstance(encoded, list | tuple) else [encoded]


def _has_ended(last: Any) -> Any:
    return tf.logical_or(last == END, last == PADDING)
