"""Endpoints of models that predict a tag for each token of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...preparation.notes import Labels
from ...preparation.splits import PADDING
from ..steps.classes import Tags
from .base import Arrays, Data, Endpoint, Part, Tensors, graph_part, ids_check, joined, label_names, table_sizes
from .stepwise import Stepwise, stepwise
from .tokens import Tokens, tokens_of


def tagger(
    model: keras.Model, data: Data, labels: Sequence[str] | None, texts: Mapping[str, Tokens]
) -> dict[str, Endpoint]:
    """Returns the endpoints of a model from ids (batch, time) to tag probabilities (batch, time, tags).

    `tag` and `step` take ids. If `texts` has tokens for "text", there are also `tag_text` and `step_text`. A
    bidirectional model has no `step`.
    """
    names = label_names(labels, model.outputs[0].shape[-1])
    notes = {"probabilities": Labels(tuple(names))} if labels is not None else {}

    def probabilities(ids: Any) -> Tensors:
        return {"probabilities": model(ids, training=False)}

    tagged = _tagged(names)
    endpoints = {
        "serving_default": data.endpoint(probabilities),
        "tag": data.endpoint(probabilities, tagged, output_notes=notes),
    }
    count = min(table_sizes(model), default=0)
    tokens = tokens_of(texts, "text", count) if "text" in texts and count else None
    if tokens is not None:
        endpoints["tag_text"] = tokens.text_endpoint(endpoints["tag"].parts, output_notes=notes)
    if (steps := stepwise(model)) and count:
        endpoints |= _step_endpoints(steps, names, count, tokens, notes)
    return endpoints


def _tagged(names: Sequence[str], states: Sequence[str] = ()) -> Part:
    """Returns the part that finds the most probable tag of each token. Also returns `states`, which it does not read.

    Padding has the label "" and the score 0.
    """

    def function(p: Any, ids: Any, *values: Any) -> Tensors:
        is_padding = ids == PADDING
        best = tf.gather(tf.constant(list(names)), tf.argmax(p, -1))
        score = tf.reduce_max(p, -1)
        return {
            "probabilities": p,
            "label": tf.where(is_padding, "", best),
            "score": tf.where(is_padding, tf.zeros_like(score), score),
            **dict(zip(states, values, strict=True)),
        }

    return Part(function, ("probabilities", "ids", *states), partial(Tags, "probabilities", "ids", tuple(names)))


def _step_endpoints(
    steps: Stepwise, names: Sequence[str], count: int, tokens: Tokens | None, notes: Mapping[str, Any]
) -> dict[str, Endpoint]:
    """Returns `step`, from ids (batch,) and states, and `step_text`, from texts (batch,) of one token and states."""

    def function(ids: Any, *states: Any) -> Tensors:
        p, after = steps.step(ids, *states)
        return {"probabilities": p, **steps.named(after)}

    rng = np.random.default_rng(0)
    ids = tf.TensorSpec((None,), tf.int32, name="ids")
    graph = graph_part(function, ids, *steps.states, limits={"ids": count})
    tagged = _tagged(names, [each.name for each in steps.states])

    def example(batch: int) -> Arrays:
        return {"ids": rng.integers(0, count, batch, np.int32), **steps.example(rng, batch)}

    parts = [ids_check("ids", [count]), graph, tagged]
    endpoints = {"step": joined(parts, [ids, *steps.states], example, output_notes=notes)}
    if tokens is not None:
        text = tf.TensorSpec((None,), tf.string, name="text")
        endpoints["step_text"] = joined(
            [tokens.word_ids_part("text", "ids"), graph, tagged],
            [text, *steps.states],
            lambda batch: {"text": tokens.example_words(rng, batch), **steps.example(rng, batch)},
            output_notes=notes,
        )
    return endpoints
