"""Tests of verdicts on models. Most models have one feature that some targets do not support."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from keras_gallery.serving.doctor import table
from keras_gallery.serving.doctor.judge import examine
from keras_gallery.serving.doctor.verdict import TARGETS, Verdict
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    from keras_gallery.models import create

SERVERS = ["tensorflow_serving", "embedded"]
SEQUENCE = (8, 4)


def verdicts_on(model: Any) -> dict[str, Verdict]:
    return {each.target: each for each in examine(json.loads(model.to_json()))}


def unsupported_targets(model: Any) -> list[str]:
    return [target for target, verdict in verdicts_on(model).items() if not verdict.ok]


def one(layer: Any, shape: tuple[int, ...] = (6,), **options: Any) -> Any:
    x = keras.Input(shape, **options)
    return keras.Model(x, layer(x))


def test_every_target_supports_a_plain_model() -> None:
    x = keras.Input((8, 8, 1))
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    y = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(keras.layers.MaxPooling2D()(y)))
    assert [each.target for each in examine(json.loads(keras.Model(x, y).to_json()))] == list(TARGETS)
    assert unsupported_targets(keras.Model(x, y)) == []


def test_plain_keras_needs_an_export_without_our_layers() -> None:
    verdicts = verdicts_on(create("denoising_autoencoder"))
    assert verdicts["onnx"].ok and verdicts["embedded"].ok
    assert verdicts["keras"].layer == "layer 'corruption' (keras_gallery>Corruption)"
    assert "gallery export NAME --to keras" in verdicts["keras"].remedy
    assert "--to h5" in verdicts["keras2"].remedy


def test_no_target_supports_a_custom_class() -> None:
    @keras.saving.register_keras_serializable("doctored")
    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    model = one(Own(name="own"))
    verdicts = verdicts_on(model)
    assert not any(verdict.ok for verdict in verdicts.values())
    assert verdicts["embedded"].layer == "layer 'own' (doctored>Own)"
    assert "gallery import FILE --classes MODULE" in verdicts["embedded"].remedy
    assert [name for name, each in verdicts.items() if each.classes == ("Own",)] == SERVERS
    assert [each.target for each in examine(json.loads(model.to_json()), {"Own"}) if each.ok] == SERVERS
    x = keras.Input(SEQUENCE, batch_size=2)
    stateful = verdicts_on(keras.Model(x, Own()(keras.layers.LSTM(3, stateful=True)(x))))["embedded"]
    assert "stateful" in stateful.layer and not stateful.classes  # the classes alone do not help


def test_a_registered_class_without_a_module() -> None:
    own = {"module": None, "class_name": "Own", "registered_name": "my>Own", "config": {"name": "own"}}
    verdicts = {each.target: each for each in examine({"class_name": "Sequential", "config": {"layers": [own]}})}
    assert "a class that Keras does not have" in verdicts["onnx"].reason and verdicts["embedded"].classes == ("Own",)


def test_an_unknown_class_of_keras_2_needs_its_class() -> None:
    layers = [{"class_name": "Own", "config": {"name": "own"}}]
    verdicts = {each.target: each for each in examine({"class_name": "Sequential", "config": {"layers": layers}})}
    assert verdicts["embedded"].classes == ("Own",) and "has no such layer" in verdicts["onnx"].reason


def test_no_target_supports_lambda() -> None:
    verdicts = verdicts_on(one(keras.layers.Lambda(lambda x: x * 2, name="twice")))
    assert not any(verdict.ok for verdict in verdicts.values())
    assert all("keras.ops" in verdict.remedy for verdict in verdicts.values())


# By feature: a function that builds a model, the targets that cannot run the model, and a part of the first remedy.
CASES: dict[str, tuple[Callable[[], Any], list[str], str]] = {
    "stateful": (
        lambda: one(keras.layers.LSTM(3, stateful=True), SEQUENCE, batch_size=2),
        [*SERVERS, "tfjs_graph", "onnx", "openvino", "dl4j"],
        "stateful=False",
    ),
    "GRU": (lambda: one(keras.layers.GRU(3), SEQUENCE), ["tfjs_layers", "dl4j"], "--to tfjs"),
    "bidirectional without merging": (
        lambda: one(keras.layers.Bidirectional(keras.layers.SimpleRNN(3), merge_mode=None), SEQUENCE),
        ["dl4j"],
        "concat",
    ),
    "groups": (
        lambda: one(keras.layers.Conv1D(4, 3, groups=2), SEQUENCE),
        ["tfjs_layers", "tfjs_graph", "onnx", "dl4j"],
        "groups=1",
    ),
    "sparse input": (
        lambda: one(keras.layers.Dense(3), sparse=True),
        [*SERVERS, "tfjs_graph", "onnx", "openvino", "tfjs_layers", "dl4j"],
        "sparse=False",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_features_that_some_targets_lack(case: str) -> None:
    make, targets, remedy = CASES[case]
    verdicts = verdicts_on(make())
    assert [target for target, verdict in verdicts.items() if not verdict.ok] == sorted(
        targets, key=list(TARGETS).index
    )
    assert remedy in next(verdict for verdict in verdicts.values() if not verdict.ok).remedy


def test_the_verdict_names_the_option() -> None:
    no_bias = verdicts_on(one(keras.layers.LSTM(3, use_bias=False, name="l"), SEQUENCE))["dl4j"]
    assert (no_bias.layer, no_bias.reason) == ("layer 'l' (LSTM) with use_bias=False", "DL4J needs a bias")
    both = verdicts_on(one(keras.layers.Bidirectional(keras.layers.GRU(3), name="b"), SEQUENCE))["dl4j"]
    assert both.layer == "layer 'b' (Bidirectional) with a GRU inside"
    x = keras.Input((6,))
    named = verdicts_on(keras.Model(x, {"a": keras.layers.Dense(2)(x)}, name="m"))["dl4j"]
    assert named.layer == "model 'm' (Functional) with a dictionary of outputs"
    assert named.reason == "DL4J supports only a list of outputs"


def test_strings_need_tensorflow() -> None:
    model = one(keras.layers.StringLookup(vocabulary=["a"]), (1,), dtype="string")
    names = unsupported_targets(model)
    assert {"onnx", "openvino", "tfjs_layers", "dl4j"} <= set(names) and not {*SERVERS, "keras"} & set(names)


def test_every_layer_of_keras_is_known() -> None:
    names = {
        layer.__name__
        for layer in vars(keras.layers).values()
        if isinstance(layer, type) and issubclass(layer, keras.layers.Layer)
    }
    # These classes are not used on their own, cannot be used in a functional model, or are stored under another name.
    excluded = {
        "Layer",
        "Wrapper",
        "InputLayer",
        "MaxNumBoundingBoxes",
        "Equalization",
        "StackedRNNCells",
        "GroupedQueryAttention",
    }
    cells = {"LSTMCell", "GRUCell", "SimpleRNNCell"}
    assert names - set(table.rows()) - excluded - cells == set()


def test_reasons_are_single_lines() -> None:
    for row in (row for rows in table.rows().values() for row in rows):
        assert all(reason and "\n" not in reason and "/tmp" not in reason for reason in row["no"].values())
