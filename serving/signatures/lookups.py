"""Which layers look up the values of an input, and example values for inputs of texts and categories."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .activations import graph_of

Array = np.ndarray[Any, Any]

TEXTS = ("a", "some words", "Other words, and more", "größer", "7")  # for layers without a vocabulary
UNKNOWN = "unknown word"
_UNCHANGED = frozenset(
    "Cast Concatenate ExpandDims Flatten GetItem Identity InputLayer Permute RepeatVector Reshape Squeeze Stack".split()
)
# Layers that change only the shape, so that `Embedding` layers after them look up all integers before them.
_RESHAPING = _UNCHANGED - {"Cast", "GetItem"}
_LOOKUPS = (keras.layers.StringLookup, keras.layers.IntegerLookup, keras.layers.TextVectorization)


def lookup_layers(model: keras.Model, x: Any) -> list[Any]:
    """Returns the layers with a vocabulary that read the input `x` of a model, also those in nested models."""
    nodes = getattr(graph_of(model), "_nodes_by_depth", {})
    found, reached = [], {id(x)}
    for depth in sorted(nodes, reverse=True):
        for node in nodes[depth]:
            operation = node.operation
            if not any(id(each) in reached for each in node.input_tensors):
                continue
            if isinstance(operation, _LOOKUPS):
                found.append(operation)
            elif isinstance(operation, keras.Model):
                pairs = zip(getattr(operation, "inputs", None) or [], node.input_tensors, strict=False)
                found += [each for y, outer in pairs if id(outer) in reached for each in lookup_layers(operation, y)]
            elif type(operation).__name__ in _UNCHANGED:
                reached |= {id(each) for each in node.output_tensors}
    return found


def id_counts(model: keras.Model, x: Any) -> set[int]:
    """Returns the numbers of ids of the `Embedding` layers that read the input `x` of a model, also in nested models.

    Returns an empty set if other layers read the input, too: it may then have integers that are no ids.
    """
    nodes = getattr(graph_of(model), "_nodes_by_depth", {})
    found: set[int] = set()
    reached = {id(x)}
    for depth in sorted(nodes, reverse=True):
        for node in nodes[depth]:
            operation = node.operation
            reading = [at for at, each in enumerate(node.input_tensors) if id(each) in reached]
            if type(operation).__name__ == "NotEqual":  # the mask of an `Embedding` layer with `mask_zero=True`
                continue
            if type(operation) is keras.layers.Embedding and reading:
                found.add(operation.input_dim)
            elif type(operation).__name__ in _RESHAPING and reading:
                reached |= {id(each) for each in node.output_tensors}
            elif reading:
                inner = getattr(operation, "inputs", None) if isinstance(operation, keras.Model) else None
                counts = [id_counts(operation, inner[at]) for at in reading] if inner else []
                if not counts or not all(counts):
                    return set()
                found = found.union(*counts)
    return found


def example_values(rng: np.random.Generator, layers: list[Any], shape: tuple[int, ...], words: int) -> Array:
    """Returns random texts, or numbers that an `IntegerLookup` layer knows.

    Args:
        rng: the source of random numbers.
        layers: the result of `lookup_layers`. If it is empty, the result is texts.
        shape: shape of the result.
        words: maximum number of words of a text, for a `TextVectorization` layer.
    """
    if not layers:
        return rng.choice(np.array(TEXTS, object), shape)
    layer = min(layers, key=lambda each: isinstance(each, keras.layers.TextVectorization))
    known = vocabulary(layer)
    if getattr(layer, "invert", False):
        return rng.integers(0, layer.vocabulary_size(), shape)
    if layer_dtype(layer) != "string":
        return rng.choice(np.array(known, np.int64), shape)
    if not isinstance(layer, keras.layers.TextVectorization):
        pool = [*known, UNKNOWN] if layer.num_oov_indices else known
        return rng.choice(np.array([each.encode() for each in pool], object), shape)
    words_and_unknown = np.array([*known, UNKNOWN], object)
    counts = rng.integers(1, words, int(np.prod(shape)), endpoint=True)
    return np.array([" ".join(rng.choice(words_and_unknown, count)).encode() for count in counts], object).reshape(
        shape
    )


def without_vocabulary(model: keras.Model) -> list[str]:
    """Returns the names of the layers, also in nested models, whose vocabulary is missing."""
    return [each.name for each in model._flatten_layers() if isinstance(each, _LOOKUPS) and not _has_vocabulary(each)]


def _has_vocabulary(layer: Any) -> bool:
    try:
        return len(vocabulary(layer)) > 0
    except tf.errors.FailedPreconditionError:  # the table was never filled
        return False


def vocabulary(layer: Any) -> list[Any]:
    """Returns the vocabulary of a layer, without the tokens for padding and for unknown values."""
    lookup = getattr(layer, "_lookup_layer", layer)  # of a TextVectorization layer
    return list(lookup.get_vocabulary(include_special_tokens=False))


def layer_dtype(layer: Any) -> str:
    """Returns the type of the values in the vocabulary of a layer: "string" or "int64"."""
    return str(getattr(layer, "_lookup_layer", layer).vocabulary_dtype)
