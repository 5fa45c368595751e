"""Tests which outputs are probabilities of classes: softmaxes, also in nested models, and one sigmoid, but not several.

No model is exported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from keras_gallery.preparation.notes import Labels
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.signatures.activations import output_activation, output_layer


def model(*last: Any) -> keras.Model:
    return keras.Sequential([keras.Input((4,)), *last])


def head(activation: str = "softmax") -> keras.Model:
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, activation, name="last")], name="head")


def applied(function: Callable[[Any], Any]) -> keras.Model:
    x = keras.Input((4,))
    return keras.Model(x, function(x))


CASES = {
    "layer": (lambda: model(layers.Dense(3), layers.Softmax()), "softmax"),
    "activation": (lambda: model(layers.Dense(3), layers.Activation("sigmoid")), "sigmoid"),
    "operation": (lambda: applied(ops.softmax), "softmax"),
    "nested": (lambda: applied(head()), "softmax"),
    "nested twice": (lambda: applied(model(head("sigmoid"))), "sigmoid"),
    "in another shape": (lambda: applied(lambda x: layers.Reshape((2, 2))(layers.Softmax()(x))), None),
    "in the same order": (
        lambda: applied(lambda x: layers.Reshape((4,))(layers.Softmax()(layers.Reshape((1, 4))(x)))),
        "softmax",
    ),
    "as another type": (lambda: model(layers.Softmax(), layers.Activation("linear", dtype="float16")), "softmax"),
    "average": (lambda: applied(lambda x: layers.Average()([head()(x), layers.Dense(3, "softmax")(x)])), "softmax"),
    "average of two kinds": (
        lambda: applied(lambda x: layers.Average()([head()(x), layers.Dense(3, "sigmoid")(x)])),
        None,
    ),
    "over another axis": (lambda: applied(lambda x: layers.Softmax(axis=1)(layers.Reshape((2, 2))(x))), None),
    "linear": (lambda: model(layers.Dense(3)), None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_activation_of_the_output(case: str) -> None:
    build, expected = CASES[case]
    assert output_activation(build()) == expected


def test_the_name_of_the_layer_has_the_names_of_the_models() -> None:
    assert output_layer(applied(head())) == "head/last"


def probability(activation: str | None, size: int) -> keras.Model:
    return model(layers.Dense(size, activation, name="probabilities"))


def test_a_sigmoid_is_the_probability_of_the_second_class() -> None:
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    classifier = probability("sigmoid", 1)
    p = np.asarray(classifier(x))[:, 0]
    signatures = endpoints(classifier, labels=["cat", "dog"])
    got = {key: value.numpy() for key, value in signatures["classify"].function(tf.constant(x)).items()}
    assert 0 < (p > 0.5).sum() < 20
    assert [label.decode() for label in got["label"]] == ["dog" if each > 0.5 else "cat" for each in p]
    np.testing.assert_allclose(got["probabilities"], np.stack([1 - p, p], 1), atol=1e-6)
    np.testing.assert_allclose(got["score"], np.maximum(p, 1 - p), atol=1e-6)
    examples = signatures["classify_example"].example(3)
    scored = signatures["classify_example"].function(tf.constant(examples["inputs"]))
    assert scored["classes"].numpy().tolist() == [[b"cat", b"dog"]] * 3 and scored["scores"].shape == (3, 2)
    assert signatures["serving_default"].function(tf.constant(x))["probabilities"].shape == (20, 1)
    assert signatures["classify"].output_notes == {"probabilities": Labels(("cat", "dog"))}
    assert endpoints(classifier)["classify"].output_notes == {}
    with pytest.raises(InvalidArgument, match="Expected 2 labels, one for each class. Received: 1"):
        endpoints(classifier, labels=["dog"])


@pytest.mark.parametrize(("activation", "size"), [("sigmoid", 3), (None, 1), ("softmax", 1)])
@pytest.mark.filterwarnings("ignore:You are using a softmax")
def test_outputs_that_are_no_classes(activation: str | None, size: int) -> None:
    assert list(endpoints(probability(activation, size))) == ["serving_default"]


def test_several_inputs() -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    classifier = keras.Model([a, b], layers.Dense(3, "softmax", name="probabilities")(layers.Concatenate()([a, b])))
    classify = endpoints(classifier, labels=["ant", "bee", "cicada"])["classify"]
    inputs = classify.example(5)
    got = classify.function(*(tf.constant(inputs[spec.name]) for spec in classify.inputs))
    best = np.asarray(classifier([inputs["a"], inputs["b"]])).argmax(-1)
    assert got["label"].numpy().tolist() == [[b"ant", b"bee", b"cicada"][each] for each in best]
    assert classify.output_notes == {"probabilities": Labels(("ant", "bee", "cicada"))}
