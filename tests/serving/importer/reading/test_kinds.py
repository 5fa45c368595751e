"""Tests that the content of a file or folder decides which format is recognised."""

from __future__ import annotations

import gzip
import json
import pickle
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from keras_gallery.serving.errors import InvalidArgument, NotFound, PermissionDenied, ServingError
from keras_gallery.serving.importer.reading import kinds
from keras_gallery.serving.quiet import quiet_import

LAYERS_MODEL = {
    "format": "layers-model",
    "modelTopology": {"keras_version": "2.12.0", "model_config": {"class_name": "Sequential", "config": {}}},
    "weightsManifest": [],
}
GRAPH_MODEL = {"format": "graph-model", "modelTopology": {"node": [], "library": {}}, "weightsManifest": []}


def onnx_model() -> bytes:
    """Returns a small ONNX model."""
    onnx = pytest.importorskip("onnx")
    helper, dtype = onnx.helper, onnx.TensorProto.FLOAT
    values = [helper.make_tensor_value_info(name, dtype, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    data: bytes = helper.make_model(graph).SerializeToString()
    return data


def test_keras_files(small_keras: Path, small_h5: Path, small_model: Any, tmp_path: Path) -> None:
    small_model.save_weights(tmp_path / "small.weights.h5")
    for source, file_format in (
        (small_keras, "keras"),
        (small_h5, "h5"),
        (tmp_path / "small.weights.h5", "weights"),
    ):
        other = tmp_path / "model.onnx"  # the file name must not matter
        other.write_bytes(source.read_bytes())
        assert kinds.recognise(other) == file_format


def test_weights_of_keras_2(tmp_path: Path) -> None:
    with zipfile.ZipFile(Path(__file__).parents[1] / "files" / "keras2_dense_autoencoder.zip") as files:
        files.extract("weights.h5", tmp_path)
    assert kinds.recognise(tmp_path / "weights.h5") == "weights"


def test_saved_models(small_model: Any, tmp_path: Path) -> None:
    small_model.export(tmp_path / "models" / "1", verbose=False)
    assert kinds.recognise(tmp_path / "models" / "1") == "saved_model"
    with pytest.raises(InvalidArgument, match=r"a folder of model versions \(import one of them, such as .*models/1\)"):
        kinds.recognise(tmp_path / "models")
    with pytest.raises(InvalidArgument, match=r"a file of a SavedModel \(import its folder, .*models/1\)"):
        kinds.recognise(tmp_path / "models" / "1" / "saved_model.pb")
    (tmp_path / "models" / "1" / "saved_model.pb").unlink()
    with pytest.raises(InvalidArgument, match=r"a SavedModel without its saved_model\.pb"):
        kinds.recognise(tmp_path / "models" / "1")


@pytest.mark.parametrize(("model", "file_format"), [(LAYERS_MODEL, "tfjs_layers"), (GRAPH_MODEL, "tfjs_graph")])
def test_tensorflow_js(model: dict[str, Any], file_format: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(model, indent=2))
    assert kinds.recognise(tmp_path / "model.json") == file_format
    assert kinds.recognise(tmp_path) == file_format


def test_onnx(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(onnx_model())
    assert kinds.recognise(tmp_path / "model") == "onnx"
    (tmp_path / "model").write_bytes(onnx_model()[:-3])
    with pytest.raises(InvalidArgument, match="incomplete file"):
        kinds.recognise(tmp_path / "model")


def test_frozen_graphs(tmp_path: Path) -> None:
    with quiet_import():
        import tensorflow as tf
    with tf.Graph().as_default() as graph:
        tf.constant(1.0)
    (tmp_path / "frozen.pb").write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(InvalidArgument, match="a frozen TensorFlow graph"):
        kinds.recognise(tmp_path / "frozen.pb")


def torch_zip(place: Path) -> None:
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("model/data.pkl", b"")
        archive.writestr("model/version", b"3")


def arrays(place: Path) -> None:
    with open(place, "wb") as file:
        np.savez(file, a=np.ones(3))


def plain_hdf5(place: Path) -> None:
    with h5py.File(place, "w") as file:
        file["temperatures"] = np.ones(3)


def tar(place: Path) -> None:
    with tarfile.open(place, "w") as archive:
        archive.addfile(tarfile.TarInfo("model.pt"))


CONFIG = '{"class_name": "Sequential", "config": {}}'


@pytest.mark.parametrize("text", [CONFIG, json.dumps(CONFIG)])
def test_an_architecture_in_json(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(text)
    assert kinds.recognise(tmp_path / "model.json") == "architecture"


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda place: place.write_bytes(b""), "an empty file"),
        (lambda place: place.write_bytes(pickle.dumps({"weights": [1.0]})), "a Python pickle"),
        (torch_zip, "a PyTorch file"),
        (lambda place: place.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."), "a PyTorch file"),
        (arrays, "a NumPy archive of arrays"),
        (lambda place: place.write_bytes(b"\x1c\0\0\0TFL3" + bytes(20)), "a TensorFlow Lite model"),
        (lambda place: place.write_bytes((2).to_bytes(8, "little") + b'{"a":1}'), "a safetensors file"),
        (lambda place: place.write_bytes(gzip.compress(b"model")), "a gzip file (unpack it"),
        (tar, "a tar archive (unpack it"),
        (plain_hdf5, "an HDF5 file that Keras did not write (it contains ['temperatures'])"),
        (lambda place: place.write_text("class_name: Sequential\nconfig: {}\n"), "architecture in YAML"),
        (lambda place: place.write_text('{"a": 1}'), "JSON that is not a TensorFlow.js model"),
        (lambda place: place.write_text("version https://git-lfs.github.com/spec/v1\noid"), "git lfs pull"),
        (lambda place: place.write_text("<!DOCTYPE html><html>Not found"), "a web page"),
        (lambda place: place.write_bytes(bytes(4096)), "a file of zeros"),
        (lambda place: place.write_text("import keras\n"), "a file of unknown format"),
    ],
)
def test_unsupported_files(write: Any, words: str, tmp_path: Path) -> None:
    place = tmp_path / "model.keras"
    write(place)
    with pytest.raises(InvalidArgument) as caught:
        kinds.recognise(place)
    line = str(caught.value)
    assert line.startswith("Expected a model of Keras") and str(place) in line and words in line and "\n" not in line


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("config.json", "model.weights.h5", "metadata.json"), "an unpacked .keras file (zip its files again)"),
        (("checkpoint", "ckpt-1.index"), "a TensorFlow checkpoint"),
        (("_CHECKPOINT_METADATA",), "an Orbax checkpoint"),
        (("notes.txt",), "a folder without saved_model.pb or model.json (it contains ['notes.txt'])"),
    ],
)
def test_unsupported_folders(names: tuple[str, ...], words: str, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InvalidArgument) as caught:
        kinds.recognise(tmp_path)
    assert words in str(caught.value)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No such file or folder"):
        kinds.recognise(tmp_path / "model.keras")
    with pytest.raises(InvalidArgument, match="neither a file nor a folder"):
        kinds.recognise(Path("/dev/null"))


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_archives_without_a_member(name: str, small_keras: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(small_keras) as source, zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        for each in set(source.namelist()) - {name}:
            archive.writestr(each, source.read(each))
    with pytest.raises(InvalidArgument, match=f"a zip archive without {name}"):
        kinds.recognise(tmp_path / "a.keras")


def test_incomplete_files(small_keras: Path, small_h5: Path, tmp_path: Path) -> None:
    for source in (small_keras, small_h5):
        data = source.read_bytes()
        for length in range(1, len(data), len(data) // 40):
            (tmp_path / "cut").write_bytes(data[:length])
            with pytest.raises((InvalidArgument, PermissionDenied)) as caught:
                kinds.recognise(tmp_path / "cut")
            assert isinstance(caught.value, ServingError) and "\n" not in str(caught.value)


def test_neither_keras_nor_tensorflow_is_imported(small_keras: Path, small_h5: Path) -> None:
    program = """
import sys
from pathlib import Path
from keras_gallery.serving.importer.reading.config import read_config
for name in sys.argv[1:]:
    assert read_config(Path(name))["class_name"] == "Sequential"
assert not {"keras", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, str(small_keras), str(small_h5)], check=True)
