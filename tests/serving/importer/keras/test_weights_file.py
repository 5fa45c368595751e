"""Tests of reading files with only weights: each layer gets its weights, or an error names the wrong layer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.serving.errors import InvalidArgument, ResourceExhausted
from keras_gallery.serving.importer.keras import architecture, h5_file, weights_file
from keras_gallery.serving.importer.reading import config as config_file
from keras_gallery.serving.importer.reading.result import Options

from ..real_files import answers, ask, unpack


def read(file: Path, like: keras.Model | None) -> Any:
    scratch = file.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return weights_file.read(file, Options(scratch, like=like))


def empty(folder: Path) -> keras.Model:
    """Reads `model.h5` in the folder, and sets all weights of the model to 0."""
    (folder / "scratch").mkdir()
    model = h5_file.read(folder / "model.h5", Options(folder / "scratch")).model
    assert model is not None
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    return model


@pytest.mark.parametrize("name", ["keras2_dense_autoencoder", "keras2_recurrent", "keras2_several"])
def test_weights_of_keras_2(name: str, tmp_path: Path) -> None:
    folder = unpack(name, tmp_path / name)
    result = read(folder / "weights.h5", empty(folder))
    assert result.description == "weights of Keras 2.12 in HDF5"
    inputs, outputs = answers(folder)
    for got, want in zip(ask(result.model, inputs), outputs.values(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_layers_with_other_names_are_matched_by_order(tmp_path: Path) -> None:
    folder = unpack("keras2_dense_autoencoder", tmp_path / "file")
    encoder = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(3, "swish")])
    decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(6, "elu"), keras.layers.Dense(8, "sigmoid")])
    result = read(folder / "weights.h5", keras.Sequential([keras.Input((8,)), encoder, decoder]))
    assert result.changes == ["layers matched by order, not by name; their names in the file are encoder, decoder"]
    inputs, outputs = answers(folder)
    np.testing.assert_allclose(ask(result.model, inputs)[0], outputs["decoder"], atol=1e-5)


def dense(units: int, inputs: int = 4, count: int = 1) -> keras.Model:
    layers = [keras.layers.Dense(units, name=f"dense_{number}") for number in range(count)]
    return keras.Sequential([keras.Input((inputs,)), *layers])


def test_weights_of_keras_3(tmp_path: Path) -> None:
    old, new = dense(3), dense(3)
    old.save_weights(tmp_path / "some.weights.h5")
    result = read((tmp_path / "some.weights.h5").rename(tmp_path / "other.h5"), new)
    assert result.model is new and result.changes == []
    for weight, want in zip(new.weights, old.weights, strict=True):
        np.testing.assert_array_equal(weight, want)


@pytest.mark.parametrize("write", [lambda text: text, json.dumps])
def test_the_architecture_is_a_json_file(write: Callable[[str], str], tmp_path: Path) -> None:
    old = dense(3)
    old.save_weights(tmp_path / "some.weights.h5")
    (tmp_path / "model.json").write_text(write(old.to_json()))
    like, changes = architecture.build(tmp_path / "model.json", tmp_path / "some.weights.h5", Options(tmp_path))
    assert changes == [] and read(tmp_path / "some.weights.h5", like).model is like
    np.testing.assert_array_equal(like.get_weights()[0], old.get_weights()[0])
    with pytest.raises(InvalidArgument, match=r"without weights .*: gallery import WEIGHTS --like model\.json\)$"):
        architecture.read(tmp_path / "model.json", Options(tmp_path))


def test_the_architecture_of_keras_2_is_repaired(tmp_path: Path) -> None:
    folder = unpack("keras2_dense_autoencoder", tmp_path / "file")
    raw, version = config_file.read(folder / "model.h5")
    (folder / "model.json").write_text(json.dumps({**raw, "keras_version": version, "backend": "tensorflow"}))
    like, changes = architecture.build(folder / "model.json", folder / "weights.h5", Options(tmp_path))
    assert any("batch_input_shape" in each for each in changes)
    inputs, outputs = answers(folder)
    got = ask(read(folder / "weights.h5", like).model, inputs)
    np.testing.assert_allclose(got[0], next(iter(outputs.values())), atol=1e-5)


def test_an_architecture_may_not_need_more_weights_than_the_file_has(tmp_path: Path) -> None:
    dense(3).save_weights(tmp_path / "some.weights.h5")
    (tmp_path / "model.json").write_text(dense(3).to_json().replace('"units": 3', '"units": 1000000000'))
    with pytest.raises(ResourceExhausted, match="Expected a model of about 15 weights"):
        architecture.build(tmp_path / "model.json", tmp_path / "some.weights.h5", Options(tmp_path))


def test_unused_weights(tmp_path: Path) -> None:
    dense(4, count=2).save_weights(tmp_path / "some.weights.h5")
    result = read(tmp_path / "some.weights.h5", dense(4))
    assert result.changes == ["2 of the file's 4 arrays left out, because the model does not use them"]


def test_weights_need_a_model(tmp_path: Path) -> None:
    file = unpack("keras2_dense_autoencoder", tmp_path / "file") / "weights.h5"
    with pytest.raises(InvalidArgument, match=r"with --like\. The file has 2 layers: decoder \[6\] \[3, 6\]"):
        read(file, None)


def test_errors_name_the_layer_that_does_not_fit(tmp_path: Path) -> None:
    file = unpack("keras2_dense_autoencoder", tmp_path / "file") / "weights.h5"
    with pytest.raises(
        InvalidArgument, match=r"Expected weights for 1 layers \(dense_0\)\. Received: weights for 2 layers"
    ):
        read(file, dense(3))
    with pytest.raises(
        InvalidArgument, match=r"\[4, 3\] \[3\] for layer 'dense_0' \(Dense\)\. Received: \[8, 6\] \[6\]"
    ):
        read(file, dense(3, count=2))
    dense(3).save_weights(tmp_path / "some.weights.h5")
    with pytest.raises(InvalidArgument, match=r"has shape \(4, 2\) in the model and \(4, 3\) in the file"):
        read(tmp_path / "some.weights.h5", dense(2))
