"""Tests of listing the layers in configurations of Keras 3, in configurations of Keras 2, and in damaged ones."""

from __future__ import annotations

import json
from typing import Any

from keras_gallery.serving.doctor.layers import Layer, layers_of
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras


def layers_by_name(model: Any) -> dict[str, Layer]:
    return {layer.name: layer for layer in layers_of(json.loads(model.to_json()))}


def test_nested_models_and_options() -> None:
    x = keras.Input((None, 6), name="series")
    inner = keras.Input((4,), name="code")
    decoder = keras.Model(inner, keras.layers.Dense(2, name="out")(inner), name="decoder")
    state = keras.layers.Bidirectional(keras.layers.GRU(2, name="gru"), name="both")(x)
    model = keras.Model(x, [decoder(state), decoder(state)], name="whole")
    layers = layers_by_name(model)
    inside = {"both/backward_gru", "decoder/code", "decoder/out"}
    assert {"whole", "series", "both", "decoder"} <= layers.keys() and inside <= layers.keys()
    assert layers["whole"].options["several_outputs"] is True
    assert layers["series"].options["open_sizes"] is True and "open_sizes" not in layers["decoder/code"].options
    assert layers["decoder"].options["nested"] is True and layers["decoder"].options["shared"] is True
    assert layers["both"].options["of"] == "GRU"
    assert not any(layer.is_custom for layer in layers.values())


def test_custom_classes_functions_and_dtypes() -> None:
    @keras.saving.register_keras_serializable("somebody")
    class Attention(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    @keras.saving.register_keras_serializable("somebody")
    def bent(x: Any) -> Any:
        return x * 2

    x = keras.Input((6,), batch_size=4)
    y = keras.layers.Dense(3, activation=bent, dtype="mixed_float16", name="größe")(Attention(name="a")(x))
    layers = layers_by_name(keras.Model(x, {"y": keras.ops.add(y, 1.0)}, name="m"))
    assert (layers["a"].kind, layers["a"].is_custom) == ("somebody>Attention", True)
    assert layers["größe"].options["function"] == ["somebody>bent"] and layers["größe"].options["odd_name"] is True
    assert layers["größe"].options["dtype"] == "mixed_float16"
    assert "ops.Add" in {layer.kind for layer in layers.values()}
    assert layers["m"].options["named_outputs"] is True
    assert next(layer for layer in layers.values() if layer.kind == "InputLayer").options["fixed_batch"] is True


def test_keras_2_and_damaged_configurations() -> None:
    config = {
        "class_name": "Sequential",
        "config": [
            {"class_name": "InputLayer", "config": {"batch_input_shape": [None, None, 3], "name": "x"}},
            {"class_name": "package>Own", "config": {"name": "own"}},
            {"class_name": "Dense", "config": None},
            "no layer",
        ],
    }
    model, x, own, dense = layers_of(config)
    assert (model.kind, x.options["open_sizes"], own.kind, dense.name) == ("Sequential", True, "package>Own", "Dense")
    assert [layer.kind for layer in layers_of({"class_name": ["?"], "config": {"layers": {}}})] == ["['?']"]
