"""The endpoints of models that hold a vector for each word or category: the vectors, and what lies near them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .base import Arrays, Data, Endpoint, Tensors, bounded
from .tokens import Tokens, of_size

MAX_COUNT = 1024  # names that `nearest` gives for a word
FIELD = "field_{}"  # the name of each category's table


def words(model: keras.Model, texts: Mapping[str, Tokens]) -> dict[str, Endpoint]:
    """What has the words' vectors in a table `embedding`."""
    table = model.get_layer("embedding")
    return _looked_up(table, "word", of_size(texts, "word", table.input_dim)) if "word" in texts else {}


def entities(model: keras.Model, data: Data, texts: Mapping[str, Tokens]) -> dict[str, Endpoint]:
    """What predicts from categories, ids (batch, fields), each looked up in a table `field_1`, `field_2` and so on.

    Args:
        texts: the names of each field's categories, by the field's name, in order.
    """
    tables = [model.get_layer(FIELD.format(number)) for number in range(1, len(texts) + 1)]
    tokens = {field: of_size(texts, field, table.input_dim) for field, table in zip(texts, tables, strict=True)}
    rng = np.random.default_rng(0)

    def predict(ids: Any) -> Tensors:
        return {"prediction": model(ids, training=False)}

    def regress(*categories: Any) -> Tensors:
        pairs = zip(tokens.values(), categories, strict=True)
        return predict(tf.stack([each.word_ids(given) for each, given in pairs], axis=1))  # (batch, fields)

    def example(batch: int) -> Arrays:
        return {field: each.example_words(rng, batch) for field, each in tokens.items()}

    inputs = [tf.TensorSpec((None,), tf.string, name=field) for field in tokens]
    found = {
        "serving_default": data.endpoint(predict),
        "regress": Endpoint(regress, inputs, example, tables=[each.table for each in tokens.values()]),
    }
    for (field, each), table in zip(tokens.items(), tables, strict=True):
        found |= {f"{name}_{field}": made for name, made in _looked_up(table, field, each).items()}
    return found


def _looked_up(table: Any, name: str, tokens: Tokens) -> dict[str, Endpoint]:
    """What is told of the rows of a table.

    `embed` gives the vector of each word, and that of the unknown for an unknown one. `nearest` gives the names whose
    vectors point most nearly the same way, the nearest first, without the word itself; it refuses an unknown word.
    """
    rng = np.random.default_rng(0)
    word = tf.TensorSpec((None,), tf.string, name=name)
    count = tf.TensorSpec((), tf.int32, name="count")
    others = len(tokens.names) - 1

    def example(batch: int) -> Arrays:
        return {name: tokens.example_words(rng, batch)}

    def embed(given: Any) -> Tensors:
        return {"embedding": table(tokens.word_ids(given))}

    def nearest(given: Any, count: Any) -> Tensors:
        count = tf.minimum(bounded(count, MAX_COUNT), others)
        ids = tokens.known_ids(given)
        vectors = tf.math.l2_normalize(tf.convert_to_tensor(table.embeddings), -1)  # (ids, dim)
        cosines = tf.gather(vectors, ids) @ tf.transpose(vectors[2:])  # (batch, names)
        own = tf.one_hot(ids - 2, others + 1, on_value=True, off_value=False)
        best = tf.math.top_k(tf.where(own, -2.0, cosines), count)
        return {"names": tf.gather(tf.constant(tokens.names), best.indices), "similarities": best.values}

    return {
        "embed": Endpoint(embed, [word], example, tables=[tokens.table]),
        "nearest": Endpoint(
            nearest,
            [word, count],
            lambda batch: example(batch) | {"count": np.array(5, np.int32)},
            tables=[tokens.table],
        ),
    }
