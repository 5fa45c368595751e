"""Tests of reading models in HDF5 files: the rebuilt Keras 3 models have the outputs that Keras 2 computed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras_gallery.serving.errors import InvalidArgument, PermissionDenied
from keras_gallery.serving.importer.keras.h5_file import read
from keras_gallery.serving.importer.parts import input_notes
from keras_gallery.serving.importer.reading.result import Options
from keras_gallery.serving.signatures.outputs import output_names

from ..real_files import answers, ask, unpack

TOLERANCES = {
    "keras224_convnet": 1e-5,  # with the Theano backend
    "keras224_recurrent": 1e-5,
    "keras2_activations": 1e-5,
    "keras2_convnet": 1e-5,
    "keras2_dense_autoencoder": 1e-5,
    "keras2_flat_autoencoder": 1e-5,
    "keras2_mixed_precision": 1e-3,  # half precision
    "keras2_operations": 1e-5,
    "keras2_preprocessing": 1e-5,
    "keras2_recurrent": 1e-5,
    "keras2_sequence_to_sequence": 1e-5,
    "keras2_several": 1e-5,
    "keras2_time_major": 1e-5,
    "keras2_variational_autoencoder": 1e-5,
}


@pytest.fixture
def options(tmp_path: Path) -> Options:
    (tmp_path / "scratch").mkdir()
    return Options(tmp_path / "scratch")


def rewrite(file: Path, change: Callable[[Any], None]) -> Path:
    """Changes the configuration of a file in place. Returns the path of the file."""
    with h5py.File(file, "r+") as opened:
        config = json.loads(opened.attrs["model_config"])
        change(config)
        opened.attrs["model_config"] = json.dumps(config)
    return file


@pytest.mark.parametrize("name", TOLERANCES)
def test_outputs_equal_keras_2(name: str, tmp_path: Path, options: Options) -> None:
    folder = unpack(name, tmp_path / name)
    result = read(folder / "model.h5", options)
    inputs, outputs = answers(folder)
    assert result.model is not None and result.method == "rebuilt as a Keras 3 model"
    for got, want in zip(ask(result.model, inputs), outputs.values(), strict=True):
        np.testing.assert_allclose(got, want, atol=TOLERANCES[name])


@pytest.mark.parametrize("name", ["keras2_dense_autoencoder", "keras2_several", "keras2_recurrent"])
def test_the_reference_runs_in_keras_2(name: str, tmp_path: Path, options: Options) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    folder = unpack(name, tmp_path / name)
    result = read(folder / "model.h5", options)
    inputs, outputs = answers(folder)
    assert result.reference is not None and result.reference_name == f"Keras 2 (tf_keras {tf_keras.__version__})"
    for got, want in zip(result.reference(inputs).values(), outputs.values(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_description_and_changes(tmp_path: Path, options: Options) -> None:
    result = read(unpack("keras2_recurrent", tmp_path / "file") / "model.h5", options)
    assert result.description == "HDF5 file of Keras 2.12: Functional, 9 layers, 417 parameters"
    assert "layer 'lstm' (LSTM): time_major=False removed, because Keras 3 has no such option" in result.changes
    assert (
        "layer 'embedding' (Embedding): input_length=7 removed, because Keras 3 derives it from the input"
        in result.changes
    )


def test_nested_models_keep_their_names(tmp_path: Path, options: Options) -> None:
    result = read(unpack("keras2_dense_autoencoder", tmp_path / "file") / "model.h5", options)
    assert result.model is not None
    assert result.model.get_layer("encoder").output.shape == (None, 3)
    assert result.model.get_layer("decoder").output.shape == (None, 8)


def test_time_major_inputs_keep_their_shape(tmp_path: Path, options: Options) -> None:
    result = read(unpack("keras2_time_major", tmp_path / "file") / "model.h5", options)
    assert result.model is not None and result.model.inputs[0].shape == (5, 2, 4)
    assert (
        "layer 'lstm' (LSTM): transposes added before and after it, because Keras 3 has no time_major" in result.changes
    )


def test_layers_that_only_a_loss_needs_are_removed(tmp_path: Path, options: Options) -> None:
    result = read(unpack("keras2_variational_autoencoder", tmp_path / "file") / "model.h5", options)
    assert "layer 'add_loss' (AddLoss): removed, because no output needs it" in result.changes
    assert "weights of 'log_variance' left out, because the model has no such layer" in result.changes
    assert result.reference is not None  # Keras 2 also builds the loss, whose functions are harmless


# === Training ===


def test_old_names_of_optimizers_and_losses(tmp_path: Path, options: Options) -> None:
    result = read(unpack("keras224_convnet", tmp_path / "file") / "model.h5", options)
    assert result.model is not None
    assert float(result.model.optimizer.learning_rate) == pytest.approx(0.05)
    assert result.model.loss == "kl_divergence"
    assert "optimizer SGD: lr renamed to learning_rate" in result.changes
    x = np.zeros((2, 6, 5, 2), np.float32)
    assert np.isfinite(result.model.train_on_batch(x, np.full((2, 4), 0.25))[0])


def test_decay_becomes_a_schedule(tmp_path: Path, options: Options) -> None:
    result = read(unpack("keras2_flat_autoencoder", tmp_path / "file") / "model.h5", options)
    assert result.model is not None
    schedule = result.model.optimizer._learning_rate
    assert float(schedule(500)) == pytest.approx(0.1 / (1 + 1e-3 * 500))  # Keras 2's formula
    assert "metric 'closeness' removed, because Keras does not have it" in result.changes


def test_a_model_with_a_custom_loss_is_not_compiled(tmp_path: Path, options: Options) -> None:
    file = unpack("keras2_dense_autoencoder", tmp_path / "file") / "model.h5"
    with h5py.File(file, "r+") as opened:
        training = json.loads(opened.attrs["training_config"])
        opened.attrs["training_config"] = json.dumps({**training, "loss": "closeness"})
    result = read(file, options)
    assert result.model is not None and not result.model.compiled
    assert "not compiled for training (unknown loss 'closeness')" in result.changes


# === Keras 3 ===


def test_files_of_keras_3(tmp_path: Path, options: Options) -> None:
    inner = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "hard_sigmoid"), keras.layers.BatchNormalization()]
    )
    x = keras.Input((3,), name="x")
    y = keras.layers.GRU(2)(keras.layers.RepeatVector(2)(inner(x * 2.0)))
    # HDF5 has no modules: `ZerosLike` has a dtype, as layers have, and `ExtractPatches` has no name.
    images = keras.ops.reshape(keras.ops.add(x, keras.ops.zeros_like(x)), (-1, 3, 1, 1))
    model = keras.Model(x, [y, inner(x), keras.ops.image.extract_patches(images, 1)])
    model.save(tmp_path / "model.h5")
    inputs = {"x": np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)}
    result = read(tmp_path / "model.h5", options)
    assert (result.method, result.changes, result.reference) == ("built with Keras", [], None)
    for got, want in zip(ask(result.model, inputs), ask(model, inputs), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


# === Errors ===


def test_code_is_refused(tmp_path: Path, options: Options) -> None:
    with pytest.raises(PermissionDenied, match="layer 'sampler' of class Lambda, which runs code from the file"):
        read(unpack("keras2_code", tmp_path / "file") / "model.h5", options)


def test_code_that_no_output_needs_does_not_run(tmp_path: Path, options: Options) -> None:
    code = unpack("keras2_code", tmp_path / "code") / "model.h5"
    with h5py.File(code) as opened:
        sampler = json.loads(opened.attrs["model_config"])["config"]["layers"][-1]

    def hide(config: Any) -> None:
        sampler.update(name="sampler", inbound_nodes=[[["image", 0, 0, {}]]])
        config["config"]["layers"].append(sampler)

    result = read(rewrite(unpack("keras2_dense_autoencoder", tmp_path / "file") / "model.h5", hide), options)
    assert "layer 'sampler' (Lambda): removed, because no output needs it" in result.changes
    assert result.reference is None  # Keras 2 would load the code


def test_weights_of_wrong_shapes(tmp_path: Path, options: Options) -> None:
    def widen(config: Any) -> None:
        config["config"]["layers"][1]["config"]["units"] = 6

    file = rewrite(unpack("keras2_flat_autoencoder", tmp_path / "file") / "model.h5", widen)
    with pytest.raises(InvalidArgument, match=r"Expected weights \[8, 6\] \[6\] for layer 'dense'.*\[8, 5\] \[5\]"):
        read(file, options)


def test_missing_weights(tmp_path: Path, options: Options) -> None:
    file = unpack("keras2_flat_autoencoder", tmp_path / "file") / "model.h5"
    with h5py.File(file, "r+") as opened:
        del opened["model_weights/code/code/kernel:0"]
    with pytest.raises(InvalidArgument, match="The weights of a layer are missing in the file"):
        read(file, options)


def test_files_of_keras_1_are_refused(tmp_path: Path, options: Options) -> None:
    file = unpack("keras2_flat_autoencoder", tmp_path / "file") / "model.h5"
    with h5py.File(file, "r+") as opened:
        opened.attrs["keras_version"] = "1.2.2"
    with pytest.raises(InvalidArgument, match=r"Received: Keras 1\.2\.2"):
        read(file, options)


def test_states_and_ragged_inputs_of_keras_2(tmp_path: Path, options: Options) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    layers = tf_keras.layers
    ids = layers.Input((None,), dtype="int32", ragged=True, name="ids")
    outputs = layers.LSTM(2, return_sequences=True, return_state=True, name="lstm")(layers.Embedding(9, 3)(ids))
    with pytest.warns(UserWarning, match="legacy"):
        tf_keras.Model(ids, outputs).save(tmp_path / "states.h5")
    result = read(tmp_path / "states.h5", options)
    assert result.model is not None and result.reference is not None
    assert "input ids: ragged" in input_notes(result.model)[0]
    arrays = {"ids": np.array([[1, 2, 3], [4, 5, 6]], np.int32)}
    expected = result.reference(arrays)
    assert list(expected) == output_names(result.model) == ["lstm", "lstm_1", "lstm_2"]
    for got, want in zip(ask(result.model, arrays), expected.values(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
