"""Endpoints of models that generate a text from another text or from an image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...preparation.decoding import LEAST, MAX_BEAM
from ...preparation.description import Preparation
from ...preparation.splits import END, PADDING, START
from ..steps.arrays import First
from ..steps.generated import MAX_CANDIDATES, MAX_STEPS, TOO_MANY_CANDIDATES, Beams, Generated
from .base import Arrays, Data, Endpoint, Part, Tensors, count_check, table_sizes
from .endpoint import graph_part, joined
from .image_files import image_file_endpoints
from .tokens import Tokens, tokens_of

BEAM = "_beam"  # end of the names of the signatures with beam search


def text_generator(
    model: keras.Model,
    seed: int,
    texts: Mapping[str, Tokens],
    pixels: str | None = "0..1",
    preparation: Preparation | None = None,
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with sub-models `encoder` and `decoder`.

    The encoder computes states from texts or images. The decoder computes `[probabilities, *states]` from
    `[previous, *states]`. Each endpoint, such as `translate`, has an endpoint with beam search, `translate_beam`.
    Returns an empty dict if `texts` lacks the tokens of the output or of the input text.
    """
    if "output" not in texts:
        return {}
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    output = tokens_of(texts, "output", decoder.outputs[0].shape[-1])

    data = Data(encoder, seed, pixels=pixels, preparation=preparation)
    is_pronunciation = False
    if data.kind == "image":
        forms = _forms(encoder, decoder, output, data.spec)
        options: dict[str, Any] = {"pixels": data.pixels, "notes": data.notes}
        endpoints = {
            f"caption{form}": joined(parts, [data.spec], data.example, **options) for form, parts in forms.items()
        }
        endpoints |= image_file_endpoints(data, endpoints, list(endpoints))
    elif "text" in texts:
        text = tokens_of(texts, "text", min(table_sizes(encoder)))
        ids = tf.TensorSpec((None, None), tf.int32, name="ids")
        forms = _forms(encoder, decoder, output, ids, {"ids": len(text.names) + 2})
        is_pronunciation = (text.split, output.split) == ("characters", "spaces")
        endpoints = {f"translate{form}": text.text_endpoint(parts) for form, parts in forms.items()}
    else:
        return {}
    endpoints = {name: _with_beam(each) if BEAM in name else each for name, each in endpoints.items()}
    if is_pronunciation:  # the same graphs under another name
        endpoints |= {f"pronounce{form}": endpoints[f"translate{form}"] for form in forms}
    return endpoints


def _with_beam(endpoint: Endpoint) -> Endpoint:
    """Returns an endpoint with a further input, the scalar `beam`, which its parts read."""

    def example(batch: int) -> Arrays:
        return endpoint.example(batch) | {"beam": np.array(4, np.int32)}

    return joined(
        (count_check(MAX_BEAM, "beam"), *endpoint.parts),
        [*endpoint.inputs, tf.TensorSpec((), tf.int32, name="beam")],
        example,
        pixels=endpoint.pixels,
        notes=endpoint.notes,
    )


def _forms(
    encoder: keras.Model, decoder: keras.Model, output: Tokens, source: Any, limits: Mapping[str, int] | None = None
) -> dict[str, Sequence[Part]]:
    """Returns the parts that generate texts, by the end of the signature's name: "" for greedy decoding, or `BEAM`.

    Args:
        encoder: the encoder.
        decoder: the decoder.
        output: the tokens of the texts.
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

    def beams(x: Any, beam: Any) -> Tensors:
        ids, scores = beam_decode(encoder, decoder, x, beam)
        return {"generated": ids, "scores": scores}

    def best(texts: Any, scores: Any) -> Tensors:
        return {"text": texts[:, 0], "score": scores[:, 0], "texts": texts, "scores": scores}

    tokens = decoder.outputs[0].shape[-1]
    graphs = (
        graph_part(encode, source, limits=limits),
        graph_part(decode, tf.TensorSpec((None, 1), tf.int32, name="previous"), *specs, limits={"previous": tokens}),
    )
    greedy = Part(
        lambda x: {"generated": greedy_decode(encoder, decoder, x)},
        (source.name,),
        lambda encoder, decoder: Generated(source.name, encoder, decoder, names),
        graphs,
    )
    several = Part(
        beams,
        (source.name, "beam"),
        lambda encoder, decoder: Beams(source.name, encoder, decoder, names, tokens),
        graphs,
    )
    columns = ("texts", "scores")
    return {
        "": (greedy, output.texts_part("generated", "text")),
        BEAM: (
            several,
            output.texts_part("generated", "texts"),
            Part(best, columns, partial(First, columns, ("text", "score"))),
        ),
    }


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


def beam_decode(encoder: keras.Model, decoder: keras.Model, source: Any, beam: Any) -> tuple[Any, Any]:
    """Generates the `beam` most probable texts for each source (batch, …): see `preparation.decoding.beam_search`.

    Returns:
        ids (batch, beam, steps) with at most `MAX_STEPS` steps, padded with 0 after the end, and scores (batch, beam).
    """
    count, tokens = tf.shape(source)[0], decoder.outputs[0].shape[-1]
    size = tf.cast(count, tf.int64) * tf.cast(beam * tokens, tf.int64)
    message = tf.strings.format(f"{TOO_MANY_CANDIDATES} {{}} × {{}} × {tokens}", [count, beam])
    with tf.control_dependencies([tf.debugging.Assert(size <= MAX_CANDIDATES, [message])]):
        states = [tf.repeat(each, beam, axis=0) for each in _encoded(encoder, source)]  # (batch · beam, units)
    of_padding = tf.one_hot(PADDING, tokens, tf.constant(0, tf.float64), tf.constant(-math.inf, tf.float64))

    def is_unfinished(last: Any, ids: Any, scores: Any, *states: Any) -> Any:
        return tf.logical_not(tf.reduce_all(tf.logical_and(_has_ended(last), scores > -math.inf)))

    def step(last: Any, ids: Any, scores: Any, *states: Any) -> tuple[Any, ...]:
        p, *states = decoder([tf.reshape(last, [-1, 1]), *states], training=False)
        gains = tf.math.log(tf.maximum(tf.cast(p[:, 0], tf.float64), LEAST))
        gains = tf.where(_has_ended(last)[:, :, tf.newaxis], of_padding, tf.reshape(gains, [count, beam, tokens]))
        candidates = tf.reshape(scores[:, :, tf.newaxis] + gains, [count, beam * tokens])
        scores, best = tf.math.top_k(candidates, beam)  # of equal candidates, the first one comes first
        before, last = best // tokens, best % tokens  # (batch, beam)
        shown = tf.where(last == END, PADDING, last)[:, :, tf.newaxis]
        ids = tf.concat([tf.gather(ids, before, batch_dims=1), shown], 2)
        rows = tf.reshape(tf.range(count)[:, tf.newaxis] * beam + before, [-1])
        return last, ids, scores, *(tf.gather(each, rows) for each in states)

    start = (
        tf.fill([count, beam], START),
        tf.zeros([count, beam, 0], tf.int32),
        tf.tile(tf.where(tf.range(beam) == 0, tf.constant(0, tf.float64), -math.inf)[tf.newaxis], [count, 1]),
        *states,
    )
    shapes = (
        tf.TensorShape([None, None]),
        tf.TensorShape([None, None, None]),
        tf.TensorShape([None, None]),
        *(tf.TensorShape([None, *s.shape[1:]]) for s in states),
    )
    _, ids, scores, *_ = tf.while_loop(is_unfinished, step, start, shapes, maximum_iterations=MAX_STEPS)
    return ids, tf.cast(scores, tf.float32)


def _encoded(encoder: keras.Model, source: Any) -> list[Any]:
    """Returns the states (batch, units) that the encoder computes."""
    encoded = encoder(source, training=False)
    return list(encoded) if isinstance(encoded, list | tuple) else [encoded]


def _has_ended(last: Any) -> Any:
    return tf.logical_or(last == END, last == PADDING)
