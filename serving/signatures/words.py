"""Endpoints that look up the vector of a word or category, and find words by the similarity of vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...preparation.description import CategoryColumn, Table
from ..steps.arrays import Columns
from ..steps.categories import ITSELF, Analogy, Filled, Nearest
from .base import Arrays, Data, Endpoint, Part, Tensors, count_check
from .endpoint import graph_part, joined
from .rows import filled, safe_names
from .tokens import Tokens, tokens_of

MAX_COUNT = 1024  # neighbours per word in a `nearest` request, and answers in an `analogy` request
GIVEN = ("a", "b", "c")  # the words of an `analogy` request
FIELD = "field_{}"  # name of the `Embedding` layer of each field of categories


def words(model: keras.Model, texts: Mapping[str, Tokens]) -> dict[str, Endpoint]:
    """Returns the endpoints of a model with an `Embedding` layer named `embedding`, which has a vector for each word.

    Returns an empty dict if `texts` has no tokens for "word".
    """
    if "word" not in texts:
        return {}
    table = model.get_layer("embedding")
    tokens = tokens_of(texts, "word", table.input_dim)
    analogy = {"analogy": _analogy(table, tokens)} if len(tokens.names) > len(GIVEN) else {}
    return _table_endpoints(table, "word", tokens) | analogy


def entities(model: keras.Model, data: Callable[..., Data], texts: Mapping[str, Tokens]) -> dict[str, Endpoint]:
    """Returns the endpoints of a model that predicts from ids of categories (batch, fields).

    The model has an `Embedding` layer for each field, named `field_1`, `field_2` and so on.

    Args:
        model: the model.
        data: returns the model's input from the number of ids of each field (`counts`).
        texts: tokens of the categories of each field, by the name of the field, in the order of the fields.
    """
    tables = [model.get_layer(FIELD.format(number)) for number in range(1, len(texts) + 1)]
    tokens = {field: tokens_of(texts, field, table.input_dim) for field, table in zip(texts, tables, strict=True)}
    rng = np.random.default_rng(0)
    names = dict(zip(safe_names(list(tokens)), tokens, strict=True))
    ids = data(counts=[table.input_dim for table in tables])
    columns = {field: CategoryColumn(field, tuple(each.names)) for field, each in tokens.items()}
    if isinstance(ids.preparation, Table):
        columns |= {each.name: each for each in ids.preparation.columns if isinstance(each, CategoryColumn)}
    others = {safe: replace(columns[field], takes_others=True) for safe, field in names.items()}

    def predict(ids: Any) -> Tensors:
        return {"prediction": model(ids, training=False)}

    def example(batch: int) -> Arrays:
        return {safe: each.example_words(rng, batch) for safe, each in zip(names, tokens.values(), strict=True)}

    def regress() -> Endpoint:
        return joined(
            (*to_ids, *ids.graph(predict)),
            [tf.TensorSpec((None,), tf.string, name=safe) for safe in names],
            example,
            notes=others,
            names=names,
        )

    to_ids = _ids_parts(names, tokens, columns, ids.kind)
    endpoints = {"serving_default": ids.endpoint(predict), "regress": regress()}
    endpoints["regress_rows"] = regress()  # the name that models of other tables have
    for (field, each), table in zip(tokens.items(), tables, strict=True):
        found = _table_endpoints(table, field, each, columns[field])
        endpoints |= {f"{name}_{field}": endpoint for name, endpoint in found.items()}
    return endpoints


def _ids_parts(
    names: Mapping[str, str], tokens: Mapping[str, Tokens], columns: Mapping[str, CategoryColumn], ids: str
) -> list[Part]:
    """Returns the parts that convert the categories of each field to the array `ids` (batch, fields)."""
    parts = []
    for safe, field in names.items():
        source = f"filled {safe}"  # no input has a name with a blank
        parts.append(_filled(columns[field], safe, source))
        parts.append(tokens[field].word_ids_part(source, f"ids {safe}"))
    each = tuple(f"ids {safe}" for safe in names)
    return [*parts, Part(lambda *arrays: {ids: tf.stack(arrays, axis=1)}, each, partial(Columns, each, ids))]


def _filled(column: CategoryColumn, old: str, new: str) -> Part:
    return Part(lambda values: {new: filled(values, column)}, (old,), partial(Filled, old, new, column.missing))


def _table_endpoints(
    table: Any, name: str, tokens: Tokens, column: CategoryColumn | None = None
) -> dict[str, Endpoint]:
    """Returns the endpoints `embed` and `nearest` of an `Embedding` layer.

    `embed` returns the vector of each word. An unknown word has the vector of the unknown token. `nearest` returns the
    names with the most similar vectors (cosine), the most similar first, without the word itself. `nearest` fails for
    an unknown word. If the words are categories, `column` has their names.
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

    def embed(ids: Any) -> Tensors:
        return {"embedding": table(ids)}

    def cosines(ids: Any) -> Tensors:
        vectors = tf.math.l2_normalize(tf.convert_to_tensor(table.embeddings), -1)  # (ids, dim)
        return {"cosines": tf.gather(vectors, ids) @ tf.transpose(vectors[2:])}  # (batch, names)

    def nearest(ids: Any, count: Any) -> Tensors:
        is_itself = tf.one_hot(ids - 2, others + 1, on_value=True, off_value=False)
        scores = tf.where(is_itself, ITSELF, cosines(ids)["cosines"])
        best = tf.math.top_k(scores, tf.minimum(count, others))
        return {"names": tf.gather(tf.constant(tokens.names), best.indices), "similarities": best.values}

    name = f"{safe}_ids"
    ids, limits = tf.TensorSpec((None,), tf.int32, name=name), {name: table.input_dim}
    to_ids = tokens.word_ids_part(safe, name)
    to_names = Part(
        nearest,
        (name, "count"),
        lambda graph: Nearest(name, graph, tuple(tokens.names)),
        (graph_part(cosines, ids, limits=limits),),
    )
    return {
        "embed": joined(
            [to_ids, graph_part(embed, ids, limits=limits)],
            [word],
            example,
            notes={} if column is None else {safe: replace(column, takes_others=True)},
            names=names,
        ),
        "nearest": joined(
            [count_check(MAX_COUNT), to_ids, tokens.known_part(safe, name), to_names],
            [word, count],
            lambda batch: example(batch) | {"count": np.array(5, np.int32)},
            notes={} if column is None else {safe: column},
            names=names,
        ),
    }


def _analogy(table: Any, tokens: Tokens) -> Endpoint:
    """Returns the endpoint `analogy` of an `Embedding` layer: it completes "a is to b as c is to …".

    It returns the names whose vectors have the largest cosine similarity to b − a + c, where a, b and c have length 1.
    The words a, b and c are no answers. It fails for an unknown word.
    """
    rng = np.random.default_rng(0)
    others = len(tokens.names) - len(GIVEN)
    names = tuple(f"{word}_ids" for word in GIVEN)

    def cosines(*ids: Any) -> Tensors:
        vectors = tf.math.l2_normalize(tf.convert_to_tensor(table.embeddings), -1)  # (ids, dim)
        a, b, c = (tf.gather(vectors, each) for each in ids)  # (batch, dim)
        return {"cosines": tf.math.l2_normalize(b - a + c, -1) @ tf.transpose(vectors[2:])}  # (batch, names)

    def analogy(a: Any, b: Any, c: Any, count: Any) -> Tensors:
        given = tf.stack([a, b, c], axis=1) - 2  # (batch, 3)
        is_given = tf.reduce_any(tf.one_hot(given, len(tokens.names), on_value=True, off_value=False), axis=1)
        best = tf.math.top_k(tf.where(is_given, ITSELF, cosines(a, b, c)["cosines"]), tf.minimum(count, others))
        return {"names": tf.gather(tf.constant(tokens.names), best.indices), "similarities": best.values}

    specs, limits = (
        [tf.TensorSpec((None,), tf.int32, name=name) for name in names],
        dict.fromkeys(names, table.input_dim),
    )
    to_names = Part(
        analogy,
        (*names, "count"),
        lambda graph: Analogy(names, graph, tuple(tokens.names)),
        (graph_part(cosines, *specs, limits=limits),),
    )
    to_ids = [tokens.word_ids_part(*each) for each in zip(GIVEN, names, strict=True)]
    known = [tokens.known_part(*each) for each in zip(GIVEN, names, strict=True)]
    return joined(
        [count_check(MAX_COUNT), *to_ids, *known, to_names],
        [*(tf.TensorSpec((None,), tf.string, name=word) for word in GIVEN), tf.TensorSpec((), tf.int32, name="count")],
        lambda batch: {word: tokens.example_words(rng, batch) for word in GIVEN} | {"count": np.array(5, np.int32)},
    )
