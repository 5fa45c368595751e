"""Examining files that Keras 2, Keras 3 and TensorFlow.js wrote."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from keras_gallery.serving.doctor.files import examine_file
from keras_gallery.serving.doctor.verdict import Verdict
from keras_gallery.serving.errors import InvalidArgument, NotFound

MADE = Path(__file__).parents[1] / "importer" / "files"


def judged(path: Path) -> tuple[str, dict[str, Verdict]]:
    what, verdicts = examine_file(path)
    return what, {each.target: each for each in verdicts}


def unpacked(name: str, folder: Path) -> Path:
    """Returns the HDF5 file that Keras 2 wrote."""
    with zipfile.ZipFile(MADE / f"{name}.zip") as archive:
        archive.extractall(folder)
    return next(folder.rglob("model.h5"))


@pytest.mark.models
def test_keras_2_reads_what_it_wrote(tmp_path: Path) -> None:
    what, verdicts = judged(unpacked("keras2_convnet", tmp_path))
    assert "in HDF5 of Keras 2." in what
    assert all(verdicts[target].ok for target in ("keras2", "embedded", "tensorflow_serving", "tfjs_graph"))


@pytest.mark.models
def test_old_options_are_named(tmp_path: Path) -> None:
    _, verdicts = judged(unpacked("keras2_time_major", tmp_path))  # plain Keras 3 refuses it: "Unrecognized keyword"
    assert not verdicts["keras"].ok and "time_major" in verdicts["keras"].reason
    assert "gallery import" in verdicts["keras"].remedy and verdicts["keras2"].ok


# Whether `keras.models.load_model` of Keras 3.15.1 loads these files (tried by hand).
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
def test_keras_3_without_this_project(name: str, tmp_path: Path) -> None:
    _, verdicts = judged(unpacked(name, tmp_path))
    assert verdicts["keras"].ok is BY_KERAS_3[name], verdicts["keras"]


@pytest.mark.models
def test_code_in_a_file_is_named(tmp_path: Path) -> None:
    _, verdicts = judged(unpacked("keras2_code", tmp_path))
    assert not any(verdicts[target].ok for target in ("keras", "embedded", "onnx", "tfjs_graph", "dl4j"))
    assert "Lambda" in verdicts["embedded"].layer


def test_tensorflow_js_reads_what_it_wrote() -> None:
    for file in sorted((MADE / "tfjs").glob("*/model.json")):
        what, verdicts = judged(file)
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
