"""Tests of reading .keras files: the model has the same outputs as in the version of Keras that wrote the file."""

from __future__ import annotations

import copy
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from keras import layers, ops
from keras_gallery.serving.errors import InvalidArgument, PermissionDenied, ServingError
from keras_gallery.serving.importer.keras import keras_file
from keras_gallery.serving.importer.reading.result import Options, ReadResult

from ....random_inputs import random_inputs
from ..crafted import change_weights, insert, layer, read_config, rewrite

KERAS_2 = Path(__file__).parents[1] / "files"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ReadResult]:
    def read(file: Path, **options: Any) -> ReadResult:
        folder = tmp_path / f"scratch{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        result = keras_file.read(file, Options(folder, **options))
        assert list(folder.iterdir()) == []
        return result

    return read


def test_small_model(small_model: Any, small_keras: Path, read: Any) -> None:
    result = read(small_keras)
    assert (
        result.description
        == f"Keras {'.'.join(keras.__version__.split('.')[:2])} file: Sequential, 2 layers, 23 parameters"
    )
    assert result.method == "loaded with Keras"
    assert result.changes == []
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(result.model(x), small_model(x))


def lookups() -> tuple[keras.Model, Any]:
    """Returns a model and inputs. Keras stores the vocabularies of the model as files in the archive."""
    x = keras.Input((1,), dtype="string")
    vectorize = layers.TextVectorization(output_sequence_length=4)
    vectorize.adapt(["the cat", "the dog and the cat"])
    lookup = layers.StringLookup(vocabulary=["the", "cat"], output_mode="multi_hot")
    y = layers.Embedding(6, 3)(vectorize(x))
    return keras.Model(x, [y, lookup(x)]), ops.convert_to_tensor([["the cat"], ["cat"], ["other dog"]])


def nested() -> tuple[keras.Model, Any]:
    """Returns a compiled model and inputs. The model has nested models, shared layers, operations and random layers."""
    x = keras.Input((4,), name="x")
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, "relu"), layers.Dropout(0.1)], name="inner")
    inner.compile("adam", "mse")
    y = inner(inner(x)) * ops.mean(x, axis=-1, keepdims=True)
    model = keras.Model(x, layers.Dense(2)(y))
    model.compile("adam", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 2)), verbose=0)
    return model, np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)


def recurrent() -> tuple[keras.Model, Any]:
    x = keras.Input((5,), dtype="int32")
    y = layers.Bidirectional(layers.GRU(3))(layers.Embedding(9, 4, mask_zero=True)(x))
    return keras.Model(x, layers.BatchNormalization()(y)), np.array([[1, 2, 0, 0, 0], [8, 7, 6, 5, 4]])


@pytest.mark.parametrize("make", [lookups, nested, recurrent])
def test_outputs_stay_equal(make: Callable[[], tuple[keras.Model, Any]], tmp_path: Path, read: Any) -> None:
    model, inputs = make()
    model.save(tmp_path / "a.keras")
    result = read(tmp_path / "a.keras").model
    assert not result.compiled
    for got, want in zip(keras.tree.flatten(result(inputs)), keras.tree.flatten(model(inputs)), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("name", "layers", "weights"), [("dense_autoencoder", 3, 155), ("several", 14, 135)])
def test_files_of_keras_2(name: str, layers: int, weights: int, tmp_path: Path, read: Any) -> None:
    with zipfile.ZipFile(KERAS_2 / f"keras2_{name}.zip") as files:
        files.extractall(tmp_path)
    result = read(tmp_path / "model.keras")
    assert result.description == f"Keras 2.12 file: Functional, {layers} layers, {weights} parameters"
    assert result.method == "rebuilt as a Keras 3 model"
    with np.load(tmp_path / "answers.npz") as answers:
        inputs = [answers[f"inputs/{each.name}"] for each in result.model.inputs]
        want = [answers[key] for key in answers.files if key.startswith("outputs/")]
    got = keras.tree.flatten(result.model(inputs if len(inputs) > 1 else inputs[0]))
    for each, other in zip(got, want, strict=True):
        np.testing.assert_allclose(each, other, atol=1e-5)


def test_a_file_of_tf_keras(tmp_path: Path, read: Any) -> None:
    """The model has a nested model and parallel layers of one class. Keras 3 orders parallel layers differently."""
    keras2 = pytest.importorskip("tf_keras")
    dense = keras2.layers.Dense
    x = keras2.Input((4,), name="x")
    late = dense(4, "sigmoid", name="late")
    sides = [dense(4, "tanh", name="left")(x), late(dense(4, "relu", name="right")(x)), dense(4, name="middle")(x)]
    inner = keras2.Sequential([dense(5, "elu", input_shape=(12,)), dense(3)], name="inner")
    model = keras2.Model(x, dense(2)(inner(keras2.layers.Concatenate()(sides))))
    model.save(tmp_path / "model.keras")
    result = read(tmp_path / "model.keras")
    assert result.description.startswith("Keras 2.")
    inputs = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)
    np.testing.assert_allclose(result.model(inputs), model(inputs), atol=1e-6)


class Doubling(layers.Layer):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return 2 * x


def test_custom_classes(tmp_path: Path, read: Any) -> None:
    keras.saving.register_keras_serializable("of_mine")(Doubling)
    try:
        model = keras.Sequential([keras.Input((4,)), Doubling(name="double")])
        model.save(tmp_path / "a.keras")
        result = read(tmp_path / "a.keras", classes=frozenset({"of_mine>Doubling"}))
        np.testing.assert_array_equal(result.model(np.ones((1, 4))), 2 * np.ones((1, 4)))
        with pytest.raises(
            PermissionDenied, match="layer 'double' of class Doubling, registered as 'of_mine>Doubling'"
        ):
            read(tmp_path / "a.keras")
    finally:
        del keras.saving.get_custom_objects()["of_mine>Doubling"]


def test_weights_of_wrong_shapes(small_keras: Path, tmp_path: Path, read: Any) -> None:
    def change(file: Any) -> None:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = np.ones(5, "f4")

    with pytest.raises(InvalidArgument, match=r"The model in a\.keras cannot be loaded"):
        read(change_weights(small_keras, tmp_path / "a.keras", change))


def test_missing_weights(small_keras: Path, tmp_path: Path, read: Any) -> None:
    def change(file: Any) -> None:
        del file["layers/dense_1"]

    with pytest.raises(InvalidArgument, match="expected 2 variables, but received 0"):
        read(change_weights(small_keras, tmp_path / "a.keras", change))


def test_a_layer_is_not_a_model(small_keras: Path, tmp_path: Path, read: Any) -> None:
    def change(config: dict[str, Any]) -> None:
        config.clear()
        config.update(layer("Dense", units=1))

    with pytest.raises(InvalidArgument, match="Expected a model"):
        read(rewrite(small_keras, tmp_path / "a.keras", change))


def test_unknown_layer_options(small_keras: Path, tmp_path: Path, read: Any) -> None:
    file = rewrite(small_keras, tmp_path / "a.keras", insert(layer("Dense", units=2, colour="red")))
    with pytest.raises(InvalidArgument, match="colour"):
        read(file)


# === Damaged files ===


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Returns the path of each value in a configuration: the keys and indices that lead to the value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, each in inner for deeper in paths(each, (*path, key)))]


def with_change(config: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    config = copy.deepcopy(config)
    holder = config
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return config


def model_or_error(file: Path) -> None:
    try:
        assert keras_file.read(file, Options(file.parent)).model is not None
    except ServingError as error:
        assert "\n" not in str(error)


@given(data=st.data())
@random_inputs(60, suppress_health_check=list(HealthCheck))
def test_configurations_with_one_changed_value(data: st.DataObject, small_keras: Path) -> None:
    """The test changes or removes a random value. Reading returns a model or raises an error of one line."""
    config = read_config(small_keras)
    path = data.draw(st.sampled_from(paths(config)))
    value = data.draw(st.sampled_from([..., None, True, -1, 2**70, 0.5, float("nan"), "", "x", [], {}, [[]], {"a": 1}]))
    if value is ... and not path:
        return
    text = json.dumps(with_change(config, path, value)).encode()
    with tempfile.TemporaryDirectory() as folder:
        model_or_error(rewrite(small_keras, Path(folder, "a.keras"), config_json=text))


@given(at=st.integers(0, 10**9), byte=st.integers(0, 255))
@random_inputs(60, suppress_health_check=list(HealthCheck))
def test_damaged_archives(at: int, byte: int, small_keras: Path) -> None:
    """One byte is changed, or the file ends early. Reading returns a model or raises an error of one line."""
    data = small_keras.read_bytes()
    at %= len(data)
    for text in (data[:at], data[:at] + bytes([byte]) + data[at + 1 :]):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "a.keras")
            file.write_bytes(text)
            model_or_error(file)
