"""Tests the names of outputs. Each output keeps its own value, even if one layer computes several outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.signatures.outputs import by_name, output_names, output_sources


def models() -> dict[str, tuple[keras.Model, list[str]]]:
    """Returns models by test name, with the expected names of their outputs."""
    series, x, other = layers.Input((5, 3)), layers.Input((3,), name="x"), layers.Input((3,), name="other")
    sequence, state, cell = layers.LSTM(2, return_sequences=True, return_state=True, name="lstm")(series)
    attended, scores = layers.MultiHeadAttention(1, 2, name="mha")(series, series, return_attention_scores=True)
    tower, y = layers.Dense(2, name="tower"), layers.Dense(3, name="y")(x)
    nested = keras.Model(x, [y, layers.Dense(2)(y)], name="nested")(other)
    clash = [y, layers.Dense(2, name="y_1")(x), y]
    return {
        "states": (keras.Model(series, [sequence, state, cell]), ["lstm", "lstm_1", "lstm_2"]),
        "two of three states": (keras.Model(series, [cell, sequence]), ["lstm", "lstm_1"]),
        "attention and its scores": (keras.Model(series, [attended, scores]), ["mha", "mha_1"]),
        "shared layer": (keras.Model([x, other], [tower(x), tower(other)]), ["tower", "tower_1"]),
        "same tensor twice": (keras.Model(x, [y, y]), ["y", "y_1"]),
        "outputs of a sub-model": (keras.Model(other, nested), ["nested", "nested_1"]),
        "outputs of an operation": (keras.Model(x, keras.ops.split(y, 3, axis=-1)), ["split", "split_1", "split_2"]),
        "a number that is a layer's name": (keras.Model(x, clash), ["y", "y_1", "y_2"]),
        "dict": (keras.Model(x, {"b": y, "a": y}), ["a", "b"]),
        "dict of lists": (keras.Model(x, {"b": [y, y], "a": y}), ["y", "y_1", "y_2"]),
    }


MODELS = models()


@pytest.mark.parametrize("case", MODELS)
def test_each_output_has_a_name_and_its_own_value(case: str) -> None:
    model, names = MODELS[case]
    endpoint = endpoints(model)["serving_default"]
    example = endpoint.example(2)
    inputs = [tf.constant(example[spec.name]) for spec in endpoint.inputs]
    outputs = endpoint.function(*inputs)
    results = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0]))
    if case != "outputs of an operation":  # Keras numbers the names of operations
        assert list(outputs) == names == output_names(model)
    assert len(outputs) == len(names) == len(results)
    for got, want in zip(outputs.values(), results, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_which_layer_computes_each_output() -> None:
    lstm = " of the layer lstm (LSTM)"
    assert output_sources(MODELS["states"][0]) == [f"sequence{lstm}", f"state h{lstm}", f"state c{lstm}"]
    assert output_sources(MODELS["two of three states"][0]) == [f"state c{lstm}", f"sequence{lstm}"]
    assert output_sources(MODELS["attention and its scores"][0])[1].startswith("attention scores of the layer mha")
    assert output_sources(MODELS["shared layer"][0]) == ["", "layer tower (Dense)"]
    assert output_sources(MODELS["outputs of a sub-model"][0])[0] == "layer y (Dense), in the model nested"
    both = layers.Bidirectional(layers.GRU(2, return_state=True), merge_mode=None, name="both")
    x = layers.Input((5, 3))
    texts = [text.partition(" of ")[0] for text in output_sources(keras.Model(x, both(x)))]
    assert texts == ["last output (forward)", "last output (backward)", "state (forward)", "state (backward)"]


def test_a_wrong_number_of_results() -> None:
    model, _ = MODELS["states"]
    with pytest.raises(FailedPrecondition, match="Expected 3 outputs of the model: lstm, lstm_1, lstm_2. Received: 2"):
        by_name(model, [1, 2])


def dense(name: str, *shape: int | None, last: Any = None) -> keras.Model:
    return keras.Sequential([layers.Input(shape), *(last or [layers.Dense(2, "softmax", name=name)])])


def test_a_dict_with_one_output() -> None:
    x = layers.Input((3,))
    model = keras.Model(x, {"out": layers.Dense(2, "softmax", name="probabilities")(x)})
    answer = endpoints(model)["classify"].function(tf.ones((4, 3)))
    assert answer["probabilities"].shape == (4, 2) and answer["label"].shape == (4,)


def test_a_whole_model_has_only_serving_default() -> None:
    assert len(endpoints(dense("probabilities", 3))) > 1
    (endpoint,) = endpoints(dense("probabilities", 3), whole=True).values()
    assert list(endpoint.function(tf.ones((4, 3)))) == ["probabilities"]


def test_one_probability_for_each_example_without_an_axis_of_classes() -> None:
    last = [layers.Dense(1), layers.Reshape((), name="probabilities")]
    assert list(endpoints(dense("", 3, last=last))) == ["serving_default"]


@pytest.mark.parametrize(
    "model",
    [
        dense("", 6, 2, last=[layers.Flatten(), layers.Dense(4), layers.Reshape((2, 2), name="forecast")]),
        dense("", 6, 2, last=[layers.LSTM(3), layers.Dense(2, name="forecast")]),
        dense("forecast", 6),
    ],
    ids=["dense layers", "recurrent layer", "features"],
)
def test_forecasters_with_a_fixed_window(model: keras.Model) -> None:
    signatures = endpoints(model)
    assert list(signatures) == ["serving_default", "forecast"]
    example = signatures["forecast"].example(3)["history"]
    assert len(signatures["forecast"].function(tf.constant(example))["forecast"]) == 3


def of_any_size(*shape: int | None) -> keras.Model:
    """Returns a U-Net of one level for images, or a stack of convolutions that needs 17 steps for series."""
    inputs = layers.Input(shape)
    if len(shape) == 2:
        y = inputs
        for _ in range(4):
            y = layers.Conv1D(2, 5)(y)
        return keras.Model(inputs, layers.GlobalMaxPooling1D()(y))
    first = layers.Conv2D(2, 1)(inputs)
    return keras.Model(inputs, layers.Concatenate()([first, layers.UpSampling2D(4)(layers.MaxPooling2D(4)(first))]))


@pytest.mark.parametrize("shape", [(None, None, 3), (None, 2)], ids=["U-Net", "convolutions"])
def test_example_sizes_fit_models_of_any_size(shape: tuple[int | None, ...]) -> None:
    endpoint = endpoints(of_any_size(*shape))["serving_default"]
    for batch in (1, 2):
        (example,) = endpoint.example(batch).values()
        (output,) = endpoint.function(tf.constant(example)).values()
        assert len(output) == batch
