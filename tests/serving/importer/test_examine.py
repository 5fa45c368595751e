"""Tests of `gallery doctor` on files that Keras 2 and TensorFlow.js wrote, and on damaged and missing files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from keras_gallery.serving.doctor.verdict import Verdict
from keras_gallery.serving.errors import InvalidArgument, NotFound
from keras_gallery.serving.importer.examine import examine_file

FILES = Path(__file__).parent / "files"


def verdicts_on(path: Path) -> tuple[str, dict[str, Verdict]]:
    what, verdicts = examine_file(path)
    return what, {each.target: each for each in verdicts}


def unpack(name: str, folder: Path) -> Path:
    """Unpacks an archive of `importer/files`. Returns the path of the HDF5 file, which Keras 2 wrote."""
    with zipfile.ZipFile(FILES / f"{name}.zip") as archive:
        archive.extractall(folder)
    return next(folder.rglob("model.h5"))


@pytest.mark.models
def test_keras_2_loads_its_own_file(tmp_path: Path) -> None:
    what, verdicts = verdicts_on(unpack("keras2_convnet", tmp_path))
    assert "in HDF5 of Keras 2." in what
    assert all(verdicts[target].ok for target in ("keras2", "embedded", "tensorflow_serving", "tfjs_graph"))


@pytest.mark.models
def test_the_reason_names_an_option_that_keras_3_lacks(tmp_path: Path) -> None:
    _, verdicts = verdicts_on(unpack("keras2_time_major", tmp_path))  # plain Keras 3 raises "Unrecognized keyword"
    assert not verdicts["keras"].ok and "time_major" in verdicts["keras"].reason
    assert "gallery import" in verdicts["keras"].remedy and verdicts["keras2"].ok


# The values say whether `keras.models.load_model` of Keras 3.15.1 loads the file (tried by hand).
BY_KERAS_3 = {
    "keras2_activations": False,
    "keras2_code": False,
    "keras2_convnet": False,
    "keras2_dense_autoencoder": False,
    "keras2_flat_autoencoder": True,
    "keras2_mixed_precision": False,
    "keras2_operations": False,
    "keras2_preprocessing": True,
    "keras2_recurrent": False,
    "keras2_sequence_to_sequence": False,
    "keras2_several": False,
    "keras2_variational_autoencoder": False,
}


@pytest.mark.models
@pytest.mark.parametrize("name", BY_KERAS_3)
def test_which_files_keras_3_loads_without_this_project(name: str, tmp_path: Path) -> None:
    _, verdicts = verdicts_on(unpack(name, tmp_path))
    assert verdicts["keras"].ok is BY_KERAS_3[name], verdicts["keras"]


@pytest.mark.models
def test_the_verdict_names_a_layer_with_code(tmp_path: Path) -> None:
    _, verdicts = verdicts_on(unpack("keras2_code", tmp_path))
    assert not any(verdicts[target].ok for target in ("keras", "embedded", "onnx", "tfjs_graph", "dl4j"))
    assert "Lambda" in verdicts["embedded"].layer


def test_tensorflow_js_loads_its_own_files() -> None:
    for file in sorted((FILES / "tfjs").glob("*/model.json")):
        what, verdicts = verdicts_on(file)
        if "layers model" in what:
            assert verdicts["tfjs_layers"].ok
        else:
            assert verdicts["tfjs_graph"].ok and not verdicts["keras"].ok


def test_damaged_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.keras").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(InvalidArgument):
        examine_file(tmp_path / "a.keras")
    with pytest.raises(NotFound):
        examine_file(tmp_path / "b.keras")
