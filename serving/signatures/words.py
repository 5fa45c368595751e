"""Endpoints that look up the vector of a word or category, and find the words with the most similar vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...preparation.description import CategoryColumn, Table
from .base import Arrays, Data, Endpoint, Tensors, check_count
from .rows import filled, safe_names
from .tokens import Tokens, tokens_of

MAX_COUNT = 1024  # neighbours per word in a `nearest` request
FIELD = "field_{}"  # name of the `Embedding` layer of each field of categories


def words(model: keras.Model, texts: Mapping[str, Tokens]) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with an `Embedding` layer named `embedding`, which has a vector for each word.

    Returns an empty dict if `texts` has no tokens for "word".
    """
    table = model.get_layer("embedding")
    return _table_endpoints(table, "word", tokens_of(texts, "word", table.input_dim)) if "word" in texts else {}


def entities(model: keras.Model, data: Data, texts: Mapping[str, Tokens]) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that predicts from ids of categories (batch, fields).

    The model has an `Embedding` layer for each field, named `field_1`, `field_2` and so on.

    Args:
        model: the model.
        data: the model's input.
        texts: tokens of the categories of each field, by the name of the field, in the order of the fields.
    """
    tables = [model.get_layer(FIELD.format(number)) for number in range(1, len(texts) + 1)]
    tokens = {field: tokens_of(texts, field, table.input_dim) for field, table in zip(texts, tables, strict=True)}
    rng = np.random.default_rng(0)
    names = dict(zip(safe_names(list(tokens)), tokens, strict=True))
    table = data.preparation
    columns: dict[str, CategoryColumn] = {}
    if isinstance(table, Table):
        columns = {each.name: each for each in table.columns if isinstance(each, CategoryColumn)}

    def predict(ids: Any) -> Tensors:
        return {"prediction": model(ids, training=False)}

    def regress(*categories: Any) -> Tensors:
        ids = [
            each.word_ids(filled(values, columns[field]) if field in columns else values)
            for (field, each), values in zip(tokens.items(), categories, strict=True)
        ]
        return predict(tf.stack(ids, axis=1))  # (batch, fields)

    def example(batch: int) -> Arrays:
        return {safe: each.example_words(rng, batch) for safe, each in zip(names, tokens.values(), strict=True)}

    def endpoint() -> Endpoint:
        return Endpoint(
            lambda *categories: regress(*categories),
            [tf.TensorSpec((None,), tf.string, name=safe) for safe in names],
            example,
            tables=[each.table for each in tokens.values()],
            notes={safe: columns[field] for safe, field in names.items() if field in columns},
            names=names,
        )

    endpoints = {"serving_default": data.endpoint(predict), "regress": endpoint()}
    if columns:
        endpoints["regress_rows"] = endpoint()  # the name that models of other tables have
    for (field, each), table in zip(tokens.items(), tables, strict=True):
        endpoints |= {f"{name}_{field}": endpoint for name, endpoint in _table_endpoints(table, field, each).items()}
    return endpoints


def _table_endpoints(table: Any, name: str, tokens: Tokens) -> dict[str, Endpoint]:
    """Returns the endpoints `embed` and `nearest` of an `Embedding` layer.

    `embed` returns the vector of each word. An unknown word has the vector of the unknown token. `nearest` returns the
    names with the most similar vectors (cosine), the most similar first, without the word itself. `nearest` fails for
    an unknown word.
    """
    rng = np.random.default_rng(0)
    is_count = name.lower() == "count"  # `nearest` has an input of this name
    safe = "column_1" if is_count else safe_names([name])[0]
    names = {} if is_count else {safe: name}
    word = tf.TensorSpec((None,), tf.string, name=safe)
    count = tf.TensorSpec((), tf.int32, name="count")
    others = len(tokens.names) - 1

    def example(batch: int) -> Arrays:
        return {safe: tokens.example_words(rng, batch)}

    def embed(words: Any) -> Tensors:
        return {"embedding": table(tokens.word_ids(words))}

    def nearest(words: Any, count: Any) -> Tensors:
        count = tf.minimum(check_count(count, MAX_COUNT), others)
        ids = tokens.known_ids(words)
        vectors = tf.math.l2_normalize(tf.convert_to_tensor(table.embeddings), -1)  # (ids, dim)
        cosines = tf.gather(vectors, ids) @ tf.transpose(vectors[2:])  # (batch, names)
        is_itself = tf.one_hot(ids - 2, others + 1, on_value=True, off_value=False)
        best = tf.math.top_k(tf.where(is_itself, -2.0, cosines), count)
        return {"names": tf.gather(tf.constant(tokens.names), best.indices), "similarities": best.values}

    return {
        "embed": Endpoint(embed, [word], example, tables=[tokens.table], names=names),
        "nearest": Endpoint(
            nearest,
            [word, count],
            lambda batch: example(batch) | {"count": np.array(5, np.int32)},
            tables=[tokens.table],
            names=names,
        ),
    }
