"""Tests of the allowlist of classes: Keras's harmless classes are accepted, and all other classes are refused."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from keras import layers, ops
from keras_gallery.serving.errors import PermissionDenied, ServingError
from keras_gallery.serving.importer.reading import known_classes, vetting
from keras_gallery.serving.importer.reading.config import read_config
from keras_gallery.serving.importer.reading.result import Options

from ....random_inputs import random_inputs
from ..crafted import function, layer

NOTHING = Options(Path())


def public_classes(module: str) -> set[str]:
    return {name for name, value in vars(importlib.import_module(module)).items() if inspect.isclass(value)}


@pytest.mark.parametrize("module", ["layers", "models", "initializers", "regularizers", "constraints"])
def test_every_public_class_is_reviewed(module: str) -> None:
    """Fails if a new version of Keras has more classes. Review each new class, then add it to CLASSES or to REFUSED."""
    bases = known_classes.BASES | {"Initializer", "Regularizer", "Constraint"}
    listed = known_classes.CLASSES[f"keras.{module}"]
    assert public_classes(f"keras.{module}") - listed - set(known_classes.REFUSED) - bases == set()


def test_every_operation_is_reviewed() -> None:
    from keras.src.ops.operation import Operation

    taking_functions = {"AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap", "WhileLoop"}
    for module, listed in known_classes.CLASSES.items():
        if module.startswith("keras.src.ops"):
            members = {
                name
                for name, value in vars(importlib.import_module(module)).items()
                if inspect.isclass(value) and issubclass(value, Operation) and value.__module__ == module
            }
            assert members - listed <= taking_functions | {"JVP", "SegmentReduction"}, module
            assert not listed & taking_functions


def test_listed_classes_are_in_their_modules() -> None:
    """Each listed class exists in the listed module. A private module must define the class, not only import it."""
    for module, names in known_classes.CLASSES.items():
        members = vars(importlib.import_module(module))
        public = not module.startswith("keras.src")
        missing = {name for name in names if not inspect.isclass(members.get(name))} - {"Functional"}
        assert missing == set(), module
        assert public or all(members[name].__module__ == module for name in names)


def test_every_listed_activation_exists() -> None:
    for name in known_classes.ACTIVATIONS:
        assert inspect.isfunction(getattr(keras.activations, name))


def model_with_many_features() -> keras.Model:
    x = keras.Input((6, 4), name="x")
    policy = keras.dtype_policies.DTypePolicy("mixed_float16")
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True, kernel_regularizer="l2"))(x)
    y = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True)(y)
    y = layers.TimeDistributed(layers.Dense(4, "gelu", kernel_constraint="max_norm", dtype=policy))(y)
    y = layers.MultiHeadAttention(2, 2)(y, x, use_causal_mask=True)
    y = layers.SpectralNormalization(layers.Dense(4, kernel_initializer=keras.initializers.Orthogonal(2.0)))(y)
    y = y[:, ::2, None] * ops.mean(x, axis=(1, 2), keepdims=True)[..., None] + ops.ones((3, 1, 4))
    y = ops.relu(ops.einsum("abcd->ad", y)) - ops.concatenate([x[:, 0], x[:, 1]], axis=-1)[:, :4]
    y = layers.Activation(keras.activations.leaky_relu)(y)
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, activation="swish"), layers.Dropout(0.5)], name="inner"
    )
    inner.compile("adam", "mse")
    return keras.Model(x, inner(inner(y)), name="outer")


def test_a_model_of_keras_is_accepted(tmp_path: Path) -> None:
    model_with_many_features().save(tmp_path / "a.keras")
    vetting.vet(read_config(tmp_path / "a.keras"), NOTHING)


def test_quantized_layers_are_accepted() -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.quantize("int8", filters=["dense"])
    vetting.vet(json.loads(model.to_json()), NOTHING)


def test_the_format_of_keras_2_is_accepted() -> None:
    vetting.vet(
        {
            "class_name": "Sequential",
            "config": [
                {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "x"}},
                {
                    "class_name": "Dense",
                    "config": {
                        "name": "a/b",
                        "kernel_initializer": {"class_name": "VarianceScaling", "config": {"seed": None}},
                        "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0}},
                        "input_shape": {"class_name": "__tuple__", "items": [4]},
                        "activation": "relu",
                    },
                },
            ],
        },
        NOTHING,
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            layer("Unheard", "my_module"),
            "'payload' of class Unheard, which is not a class of Keras (import",
        ),
        (
            {**layer("Attention"), "registered_name": "mine>Attention"},
            "registered as 'mine>Attention' (import",
        ),
        ({"class_name": "mine>Attention", "config": {}}, "of class mine>Attention, which is not a class of Keras"),
        (layer("Functional", "keras.src.models.model"), "in module 'keras.src.models.model'"),
        (layer("Map", "keras.src.ops.core"), "of class Map, which is not a class of Keras"),
        (layer("FeatureSpace", "keras.utils"), "FeatureSpace"),
        (layer("Dense", "keras.layers", activation=function("load_model", "keras.models")), "keras.models.load_model"),
        (layer("Dense", activation={**function("relu", "keras.activations"), "registered_name": "os>system"}), "relu"),
        (layer("Dense", activation=function("mine", "builtins")), "with activation 'mine', which is not an activation"),
        (layer("LSTM", recurrent_activation="mine"), "with recurrent_activation 'mine', which is not an activation"),
        (layer("Dense", activation={"class_name": "__lambda__", "config": {}}), "its activation is code from the file"),
        (layer("Dense", kernel_initializer=layer("Popen", "subprocess")), "Popen"),
        (layer("Dense", more=[{"a": {"class_name": "__lambda__", "config": {}}}]), "its a is code from the file"),
        (layer("Dense", more={"class_name": "__typespec__", "config": [], "spec_name": "x"}), "__typespec__"),
        ({"class_name": "Dense", "name": {"class_name": "Lambda", "config": {}}, "config": {}}, "of class Lambda"),
        (layer("CustomGradient"), "CustomGradient"),
    ],
)
def test_unlisted_classes_are_refused(value: Mapping[str, Any], words: str) -> None:
    with pytest.raises(PermissionDenied) as caught:
        vetting.vet({"class_name": "Sequential", "config": {"name": "model", "layers": [value]}}, NOTHING)
    assert words in str(caught.value)
    assert str(caught.value).startswith("Unsafe model refused: layer ")


def test_trust_allows_every_class() -> None:
    vetting.vet(layer("Lambda"), Options(Path(), trust=True))


def test_allowed_custom_classes() -> None:
    options = Options(Path(), classes=frozenset({"mine>Attention", "mine>swish"}))
    value = {**layer("Attention", "my_module"), "registered_name": "mine>Attention"}
    vetting.vet(value, options)
    vetting.vet({"class_name": "mine>Attention", "config": {}}, options)
    vetting.vet(layer("Dense", activation=function("mine>swish", "my_module")), options)
    # Layers inside an allowed class are checked, too. A registered name must not hide another class.
    with pytest.raises(PermissionDenied, match="of class Lambda"):
        vetting.vet({**value, "config": {"inner": layer("Lambda")}}, options)
    with pytest.raises(PermissionDenied, match="of class Lambda"):
        vetting.vet({**value, "class_name": "Lambda"}, options)
    with pytest.raises(PermissionDenied, match="of class Popen"):
        vetting.vet({"class_name": "Popen", "registered_name": "mine>Attention", "config": {}}, options)


DANGEROUS = ("Lambda", "TFSMLayer", "__lambda__", "system", "mine>Attention")
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(DANGEROUS)
names = st.sampled_from(
    ["class_name", "config", "module", "registered_name", "name", "layers", "vocabulary", "dtype", "inbound_nodes"]
)
words = st.sampled_from([*DANGEROUS, "Dense", "Sequential", "function", "__numpy__", "keras.layers", "relu", "float32"])
values = st.recursive(
    leaves | words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5)
)


def objects(value: Any) -> list[Any]:
    """Returns all dictionaries in `value` that Keras can read as a serialized object."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict) and "class_name" in value else []
    return own + [inside for each in inner for inside in objects(each)]


@given(st.dictionaries(names, values, max_size=6))
@random_inputs(400, suppress_health_check=[HealthCheck.too_slow])
def test_accepted_configurations_have_no_dangerous_class(config: dict[str, Any]) -> None:
    try:
        vetting.vet(config, NOTHING)
    except ServingError as error:
        assert "\n" not in str(error)
    else:
        assert not {str(each["class_name"]) for each in objects(config)} & set(DANGEROUS)
