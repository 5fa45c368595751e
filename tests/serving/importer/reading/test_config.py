"""Tests of reading the model configuration from .keras, HDF5 and TensorFlow.js files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import InvalidArgument, ResourceExhausted
from keras_gallery.serving.importer.reading.config import read, read_config
from keras_gallery.serving.quiet import quiet_import

from .. import crafted
from ..crafted import insert, rewrite


def test_keras_file(small_keras: Path) -> None:
    with quiet_import():
        import keras
    assert {**read_config(small_keras), "compile_config": {}} == crafted.read_config(small_keras)
    assert read(small_keras)[1] == keras.__version__


def test_hdf5_file(small_h5: Path) -> None:
    with quiet_import():
        import keras
    config = read_config(small_h5)
    assert [layer["config"]["name"] for layer in config["config"]["layers"]][1:] == ["first", "last"]
    assert all("module" not in layer for layer in config["config"]["layers"])
    assert read(small_h5)[1] == keras.__version__


def test_hdf5_file_of_keras_2(tmp_path: Path) -> None:
    with zipfile.ZipFile(Path(__file__).parents[1] / "files" / "keras2_dense_autoencoder.zip") as files:
        files.extract("model.h5", tmp_path)
    config = read_config(tmp_path / "model.h5")
    assert config["class_name"] == "Functional"
    assert config["config"]["layers"][0]["config"]["batch_input_shape"] == [None, 8]
    assert read(tmp_path / "model.h5")[1].startswith("2.12")


@pytest.mark.parametrize("own", [True, False], ids=["saved by TensorFlow.js", "written by the converter"])
def test_tensorflow_js(own: bool, tmp_path: Path) -> None:
    model = {"class_name": "Sequential", "config": {"name": "a", "layers": []}}
    versions = {"keras_version": "tfjs-layers 4.22.0", "backend": "tensor_flow.js"}
    topology = {**model, **versions} if own else {"model_config": model, **versions}
    (tmp_path / "model.json").write_text(json.dumps({"modelTopology": topology, "weightsManifest": []}))
    for path in (tmp_path, tmp_path / "model.json"):
        assert read_config(path) == model
        assert read(path)[1] == "tfjs-layers 4.22.0"


def test_factors_that_keras_writes_but_does_not_accept(small_keras: Path, tmp_path: Path) -> None:
    factors = {"x_factor": [-0.2, 0.2], "y_factor": [0.1, 0.3]}

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"].append({"class_name": "RandomShear", "config": factors})

    rewrite(small_keras, tmp_path / "model.keras", change)
    assert read_config(tmp_path / "model.keras")["config"]["layers"][-1]["config"] == factors | {"x_factor": 0.2}


def test_training_settings_are_removed(small_keras: Path, tmp_path: Path) -> None:
    """The settings of nested models are removed, too, because losses and metrics can be custom classes."""
    training = {"optimizer": {"module": "os", "class_name": "system", "config": {}}}

    def change(config: dict[str, Any]) -> None:
        config["compile_config"] = training
        insert({"class_name": "Dense", "config": {"units": 2, "name": "compile_config"}, "compile_config": training})(
            config
        )

    config = read_config(rewrite(small_keras, tmp_path / "a.keras", change))
    assert "system" not in json.dumps(config)
    assert config["config"]["layers"][-1] == {"class_name": "Dense", "config": {"units": 2, "name": "compile_config"}}


@pytest.mark.parametrize(
    ("text", "received"),
    [
        (b"{", "Expected JSON in config.json"),
        (b"[1]", "Received: list"),
        (b"\xff", "Expected JSON"),
        (b'{"class_name": "Sequential"}', "Expected a class_name and a config"),
        (b'{"class_name": 1, "config": {}}', "Expected a class_name and a config"),
        (b'{"class_name": "Sequential", "config": "x"}', "Expected a class_name and a config"),
        (
            b'{"class_name": "Sequential", "config": {"a": ' + b"[" * 101 + b"]" * 101 + b"}}",
            "at most 100 levels",
        ),
        (b'{"class_name": "Sequential", "config": {"a": 1' + b"0" * 5000 + b"}}", "Expected JSON"),
    ],
)
def test_malformed_configurations(text: bytes, received: str, small_keras: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=received):
        read_config(rewrite(small_keras, tmp_path / "a.keras", config_json=text))


def test_configurations_that_are_too_long(small_keras: Path, tmp_path: Path) -> None:
    text = b'{"class_name": "Sequential", "config": {"a": "' + b"x" * (64 << 20) + b'"}}'
    with pytest.raises(ResourceExhausted, match="at most 67,108,864 bytes"):
        read_config(rewrite(small_keras, tmp_path / "a.keras", config_json=text))


def test_files_without_a_configuration(small_model: Any, tmp_path: Path) -> None:
    small_model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(InvalidArgument, match="weights without a model, in HDF5"):
        read_config(tmp_path / "a.weights.h5")
