"""Tests models whose inputs are texts and categories: the example inputs, the signatures, and an export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.export import checking, writing
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.signatures.lookups import without_vocabulary


def reviews(last: Any, shape: tuple[int, ...] = (1,), mode: str = "int") -> keras.Model:
    x = keras.Input(shape, dtype="string", name="review")
    ids = layers.TextVectorization(output_mode=mode, vocabulary=["ripe", "plum", "pear"])(x)
    return keras.Model(x, last(layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(ids)) if mode == "int" else ids))


def structured() -> keras.Model:
    """Returns a model of categories without unknown values, of a hash, and of a number."""
    colour = keras.Input((1,), dtype="string", name="my colour")
    code = keras.Input((1,), dtype="int64", name="code")
    place, age = keras.Input((1,), dtype="string", name="class"), keras.Input((1,), name="age")
    known = {"num_oov_indices": 0, "output_mode": "one_hot"}
    lookup = keras.Sequential([keras.Input((1,), dtype="string"), layers.StringLookup(vocabulary=["a", "b"], **known)])
    parts = [
        lookup(colour),
        layers.IntegerLookup(vocabulary=[100, 200], **known)(code),
        layers.Hashing(3, output_mode="one_hot")(place),
        age,
    ]
    return keras.Model([colour, code, place, age], layers.Dense(1, name="größe")(layers.Concatenate()(parts)))


def test_examples_are_known_to_the_layers() -> None:
    inputs = endpoints(structured())["serving_default"].example(40)
    assert set(inputs["my colour"].ravel()) == {b"a", b"b"} and set(inputs["code"].ravel()) == {100, 200}
    assert inputs["class"].shape == (40, 1) and inputs["class"].dtype == object
    texts = endpoints(reviews(layers.Dense(2)))["serving_default"].example(40)["review"]
    words = {word for text in texts.ravel() for word in text.decode().split()}
    assert words == {"ripe", "plum", "pear", "unknown", "word"}


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_classifier_of_texts(shape: tuple[int, ...]) -> None:
    classifier = reviews(layers.Dense(2, "softmax", name="probabilities"), shape)
    signatures = endpoints(classifier, labels=["bad", "good"])
    assert set(signatures) == {"serving_default", "classify"} | ({"classify_text"} if shape else set())
    texts = tf.constant(["a ripe plum", "a pear"])
    want = classifier(tf.reshape(texts, (2, *shape))).numpy()
    got = signatures["classify_text" if shape else "classify"].function(texts)
    np.testing.assert_allclose(got["probabilities"], want, atol=1e-6)


def test_an_export_of_texts_with_names_that_tensorflow_does_not_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "write_openvino", lambda *arguments: None)
    monkeypatch.setattr(checking, "BATCHES", (2,))
    model, lines = structured(), list[str]()
    values: list[Any] = [[["a"], ["b"]], [[100], [200]], [["x"], [""]], [[1.0], [2.0]]]
    arrays = [tf.constant(each, x.dtype) for each, x in zip(values, model.inputs, strict=True)]
    run = tf.saved_model.load(str(writing.export(model, "m", tmp_path, progress=lines.append))).signatures
    names = ("my_colour", "code", "class_input", "age")
    got = run["serving_default"](**dict(zip(names, arrays, strict=True)))["grosse"]
    np.testing.assert_allclose(got, model(arrays), atol=1e-6)
    reason = "because TensorFlow does not allow the name"
    assert f"input 'my colour' is now named 'my_colour', {reason}" in lines
    assert f"layer 'größe' is now named 'grosse', {reason}" in lines
    assert [x.name for x in model.inputs] == ["my colour", "code", "class", "age"] and model.layers[-1].name == "größe"


def test_layers_without_a_vocabulary() -> None:
    x = keras.Input((1,), dtype="string")
    empty = keras.Model(x, layers.StringLookup(name="empty")(x))
    y = keras.Input((1,), dtype="string")
    assert without_vocabulary(keras.Model(y, empty(y))) == ["empty"]
    assert without_vocabulary(structured()) == []
