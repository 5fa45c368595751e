"""Tests of converting Keras 2 configurations to Keras 3: real files, all layers of Keras 2, and errors."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.importer.keras import h5_file
from keras_gallery.serving.importer.keras2.repair import is_keras2, repair
from keras_gallery.serving.importer.reading.config import read_config
from keras_gallery.serving.importer.reading.result import Options

from ..real_files import FOLDER, ask, unpack
from .test_changes import sequential

REAL = sorted(file.stem for file in FOLDER.glob("keras2*.zip") if "subclassed" not in file.stem)


def keys(value: Any) -> set[str]:
    """Returns all keys in a configuration, also in nested dictionaries."""
    if isinstance(value, dict):
        return set(value).union(*(keys(each) for each in value.values()))
    return set().union(*(keys(each) for each in value)) if isinstance(value, list) else set()


# === Real files ===


@pytest.mark.parametrize("name", REAL)
def test_repairs_are_complete_and_do_not_change_the_argument(name: str, tmp_path: Path) -> None:
    config = read_config(unpack(name, tmp_path) / "model.h5")
    before = copy.deepcopy(config)
    repaired, changes = repair(config)
    assert config == before and is_keras2(config)
    assert changes and not is_keras2(repaired)
    assert not keys(repaired) & {
        "batch_input_shape",
        "time_major",
        "implementation",
        "input_length",
        "shared_object_id",
    }
    assert repair(repaired) == (repaired, [])


def test_keras_3_configurations_are_not_changed() -> None:
    x = keras.Input((4, 3), name="x")
    inner = keras.Sequential([keras.Input((4, 3)), keras.layers.Dense(2, "hard_sigmoid"), keras.layers.LeakyReLU()])
    y = keras.layers.Bidirectional(keras.layers.LSTM(2))(inner(x * 2.0)[:, 1:])
    config = json.loads(keras.Model(x, y).to_json())
    assert repair(config) == (config, [])


# === Every layer of Keras 2 ===

SAMPLES: dict[str, dict[str, Any]] = {
    "units": {"units": 2},
    "filters": {"filters": 2},
    "kernel_size": {"kernel_size": 2},
    "rate": {"rate": 0.1},
    "stddev": {"stddev": 0.1},
    "input_dim": {"input_dim": 3},
    "output_dim": {"output_dim": 2},
    "n": {"n": 2},
    "dims": {"dims": (1,)},
    "target_shape": {"target_shape": (2,)},
    "axes": {"axes": 1},
    "num_heads": {"num_heads": 1},
    "key_dim": {"key_dim": 1},
    "height": {"height": 2},
    "width": {"width": 2},
    "scale": {"scale": 2.0},
    "num_bins": {"num_bins": 3},
    "factor": {"factor": 0.1},
    "height_factor": {"height_factor": 0.1},
    "width_factor": {"width_factor": 0.1},
    "activation": {"activation": "relu"},
    "equation": {"equation": "abc,cd->abd"},
    "output_shape": {"output_shape": 2},
}
# The test leaves out base classes, layers without a default configuration, and layers that Keras 3 lacks or that an
# import refuses.
EXCLUDED = """
    AbstractRNNCell DenseFeatures InputLayer Lambda Layer LocallyConnected1D LocallyConnected2D Wrapper
"""


def test_keras_3_builds_every_layer_of_keras_2() -> None:
    """Converts the configurations that Keras 2 writes for its layers with default options."""
    tf_keras = pytest.importorskip("tf_keras")
    import inspect

    failed = {}
    for name in sorted(set(dir(tf_keras.layers)) - set(EXCLUDED.split())):
        layer_class = getattr(tf_keras.layers, name)
        if not inspect.isclass(layer_class) or not issubclass(layer_class, tf_keras.layers.Layer):
            continue
        needed = [
            key
            for key, each in list(inspect.signature(layer_class.__init__).parameters.items())[1:]
            if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
        ]
        special = {
            "layer": tf_keras.layers.LSTM(2) if name == "Bidirectional" else tf_keras.layers.Dense(2),
            "cell": tf_keras.layers.LSTMCell(2),
            "cells": [tf_keras.layers.LSTMCell(2)],
        }
        options = {key: special[key] if key in special else SAMPLES[key][key] for key in needed if key != "num_tokens"}
        if name == "CategoryEncoding":
            options["num_tokens"] = 3
        if name in ("Discretization",):
            options["bin_boundaries"] = [1.0]
        layer = layer_class(**options)
        config = tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(2)]).get_config()
        written = json.loads(json.dumps(tf_keras.layers.serialize(layer, use_legacy_format=True), default=float))
        config["layers"].append(written)
        repaired, _ = repair({"class_name": "Sequential", "config": json.loads(json.dumps(config, default=float))})
        try:
            keras.saving.deserialize_keras_object(repaired["config"]["layers"][-1])
        except Exception as error:
            failed[name] = str(error).split("Exception encountered:")[-1]
    assert failed == {}


# === Changes ===


def test_old_initializers() -> None:
    old = {"class_name": "VarianceScaling", "config": {"scale": 1, "mode": "fan_in", "distribution": "normal"}}
    dense = {
        "units": 2,
        "kernel_initializer": old,
        "bias_initializer": {"class_name": "Zeros", "config": {"dtype": "float32"}},
    }
    repaired, changes = repair(sequential(("Dense", dense)))
    layer = keras.saving.deserialize_keras_object(repaired).layers[0]
    assert layer.kernel_initializer.distribution == "truncated_normal"
    assert "layer 'layer_0' (Dense): bias_initializer: dtype removed, because Keras 3 uses the layer's dtype" in changes


def test_a_gru_without_the_option_reset_after() -> None:
    repaired, changes = repair(sequential(("RepeatVector", {"n": 2}), ("GRU", {"units": 2})))
    assert keras.saving.deserialize_keras_object(repaired).layers[1].reset_after is False
    assert "layer 'layer_1' (GRU): reset_after=False added, because older versions did not have this option" in changes


def test_a_list_of_layers_becomes_a_sequential_model() -> None:
    layers = sequential(("Dense", {"units": 2}))["config"]["layers"]
    repaired, _ = repair({"class_name": "Sequential", "config": layers})
    assert keras.saving.deserialize_keras_object(repaired).output_shape == (None, 2)


def test_layers_of_the_models_in_keras_applications() -> None:
    """Keras 2 writes no module for the layers of ConvNeXt, which are not in `keras.layers`."""
    repaired, _ = repair(sequential(("LayerScale", {"init_values": 0.5, "projection_dim": 3})))
    model = keras.saving.deserialize_keras_object(repaired)
    np.testing.assert_array_equal(model(np.ones((1, 3), np.float32)), np.full((1, 3), 0.5))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_hard_sigmoid_equals_keras_2_in_every_layer(tmp_path: Path) -> None:
    """Keras 2 computes max(0, min(1, 0.2 x + 0.5)). Keras 3 computes max(0, min(1, x / 6 + 0.5))."""
    tf_keras = pytest.importorskip("tf_keras")
    layers, function = tf_keras.layers, "hard_sigmoid"
    x = tf_keras.Input((6, 6, 2), name="x")
    y = layers.Conv2D(2, 2, activation=function)(x)
    y = layers.DepthwiseConv2D(2, activation=function)(y)
    y = layers.SeparableConv2D(3, 2, activation=function)(y)
    y = layers.Conv2DTranspose(2, 2, activation=function)(y)
    y = layers.Reshape((4, 4, 2, 1))(y)
    y = layers.ConvLSTM2D(2, 2, recurrent_activation=function, return_sequences=True)(y)
    y = layers.Reshape((4, 6))(y)
    y = layers.Conv1D(3, 2, activation=function)(y)
    y = layers.Bidirectional(layers.GRU(3, recurrent_activation=function, return_sequences=True))(y)
    y = layers.RNN([layers.LSTMCell(2, recurrent_activation=function)], return_sequences=True)(y)
    y = layers.TimeDistributed(layers.Dense(2, activation=function))(y)
    y = layers.Activation(function)(layers.SimpleRNN(3, activation=function)(y))
    model = tf_keras.Model(x, y)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=each.shape) for each in model.get_weights()])
    model.save(tmp_path / "model.h5")
    inputs = {"x": rng.normal(size=(3, 6, 6, 2)).astype(np.float32)}
    result = h5_file.read(tmp_path / "model.h5", Options(tmp_path))
    np.testing.assert_allclose(ask(result.model, inputs)[0], model(inputs["x"]), atol=1e-5)


# === Errors ===


def test_a_function_without_an_operation(tmp_path: Path) -> None:
    config = read_config(unpack("keras2_operations", tmp_path) / "model.h5")
    config["config"]["layers"][1]["config"]["function"] = "io.write_file"
    with pytest.raises(
        FailedPrecondition, match=r"layer 'tf.math.multiply' \(TFOpLambda\), which calls tf.io.write_file"
    ):
        repair(config)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config["layers"].pop(),
        lambda config: config.pop("output_layers"),
        lambda config: config["layers"][1].update(inbound_nodes=[[["nowhere", 0, 0, {}]]]),
        lambda config: config["layers"][1].update(inbound_nodes=[[["image", 9, 0, {}], 5]]),
        lambda config: config.update(output_layers=[["decoder", 5, 0], ["decoder", 7, 0]]),
        lambda config: config["layers"][0].update(config=5),
    ],
)
def test_damaged_configurations(change: Any, tmp_path: Path) -> None:
    config = read_config(unpack("keras2_dense_autoencoder", tmp_path) / "model.h5")
    change(config["config"])
    with pytest.raises(InvalidArgument, match="Damaged model configuration"):
        repair(config)


@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize(("mode", "dtype"), [("int", "int64"), ("multi_hot", "float32"), ("count", "float32")])
def test_encoded_categories_are_floats(mode: str, dtype: str, functional: bool) -> None:
    x = {"name": "x", "batch_input_shape": [None, 2], "dtype": "string"}
    y = {"name": "y", "vocabulary": ["a", "b"], "output_mode": mode}
    layers: list[dict[str, Any]] = [
        {"class_name": "InputLayer", "config": x, "name": "x", "inbound_nodes": []},
        {"class_name": "StringLookup", "config": y, "name": "y", "inbound_nodes": [[["x", 0, 0, {}]]]},
    ]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]} if functional else {}
    class_name = "Functional" if functional else "Sequential"
    repaired, _ = repair({"class_name": class_name, "config": {"name": "m", "layers": layers, **ends}})
    model = keras.saving.deserialize_keras_object(repaired)
    assert model(keras.ops.convert_to_tensor([["b", "b"]])).dtype.name == dtype
