"""Tests of whole imports: the child process reads a file, and a server serves the model. Some files are refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras_gallery.serving import description
from keras_gallery.serving.client import Client
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from keras_gallery.serving.importer.process import Request, import_file, parse_labels
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.saved_model import read_signatures

CLASS = """
import keras

@keras.saving.register_keras_serializable(package="mine")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


@pytest.fixture
def autoencoder(tmp_path: Path) -> tuple[keras.Model, Path]:
    """Returns an autoencoder and its .keras file. The names of the layers do not show which layer is the code."""
    x = layers.Input((12,))
    h = layers.Dense(4, name="middle")(layers.GaussianNoise(0.1)(x))
    model = keras.Model(x, layers.Dense(12, "sigmoid")(h))
    model.compile("adam", "mse")
    model.save(tmp_path / "My model.keras")
    return model, tmp_path / "My model.keras"


def entries(root: Path) -> list[str]:
    return sorted(os.listdir(root)) if root.exists() else []


def test_a_file_is_imported_and_served(
    autoencoder: tuple[keras.Model, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, file = autoencoder
    for name in ("keras", "numpy", "openvino"):  # modules in the folder of the file must not run
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    progress: list[str] = []
    request = Request(file, encoder="middle", save=tmp_path / "again.keras")
    place = import_file(request, tmp_path / "saved_models", report=progress.append)
    assert place == tmp_path / "saved_models" / "my_model" / "1"
    assert entries(tmp_path / "saved_models") == ["my_model"]
    assert entries(place.parent) == ["1"]
    text = "\n".join(progress)
    assert f"Found Keras {keras.__version__.rpartition('.')[0]} file: Functional" in text
    assert "the output of middle (None, 4)" in text and "gaussian_noise" in text
    assert "serving_default, reconstruct, encode, decode, score, denoise match TensorFlow" in text

    assert not (tmp_path / "canary").exists()

    x = np.random.default_rng(0).random((3, 12), np.float32)
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("embedded", {"my_model": place.parent}, log=tmp_path / "log", **ports) as server:
        server.wait_until_ready()
        with Client(server.grpc) as client:
            codes, denoised = client.encode("my_model", x), client.denoise("my_model", x)
    np.testing.assert_allclose(denoised, np.asarray(keras.models.load_model(request.save)(x)), atol=1e-5)
    expected = keras.Model(model.inputs[0], model.get_layer("middle").output)(x)
    np.testing.assert_allclose(codes, np.asarray(expected), atol=1e-5)
    np.testing.assert_allclose(denoised, np.asarray(model(x)), atol=1e-5)


def test_custom_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_layers.py").write_text(CLASS)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(CLASS, scope)
    model = keras.Sequential([layers.Input((3,)), scope["Doubled"](name="twice"), layers.Dense(2, "softmax")])
    model.save(tmp_path / "classifier.keras")
    root = tmp_path / "saved_models"
    with pytest.raises(PermissionDenied, match="layer 'twice' .*Doubled"):
        import_file(Request(tmp_path / "classifier.keras"), root, report=lambda line: None)
    assert entries(root) == []
    (tmp_path / "labels").write_text("cat\ndog\n\n \n")  # blank lines at the end are not labels
    request = Request(
        tmp_path / "classifier.keras", name="pets", classes=["my_layers"], labels=parse_labels(tmp_path / "labels")
    )
    place = import_file(request, root, version=7, report=lambda line: None)
    assert place == root / "pets" / "7"
    assert {"serving_default", "classify"} <= set(read_signatures(place))
    described = description.read(place)
    assert (described.file, described.labels) == ("classifier.keras", ("cat", "dog"))
    assert described.format.startswith("Keras 3")


def test_files_with_code_are_refused(tmp_path: Path) -> None:
    model = keras.Sequential([layers.Input((3,)), layers.Lambda(lambda x: 2 * x, name="twice")])
    model.save(tmp_path / "lambda.keras")
    root = tmp_path / "saved_models"
    with pytest.raises(PermissionDenied, match="layer 'twice'.*Lambda.*--trust"):
        import_file(Request(tmp_path / "lambda.keras"), root, report=lambda line: None)
    assert entries(root) == []


def test_wrong_arguments(tmp_path: Path) -> None:
    root = tmp_path / "saved_models"
    with pytest.raises(NotFound, match="No such file or folder: .*missing.keras"):
        import_file(Request(tmp_path / "missing.keras"), root)
    (tmp_path / "x.keras").write_bytes(b"")
    with pytest.raises(InvalidArgument, match="Expected a model name"):
        import_file(Request(tmp_path / "x.keras", name="../x"), root)
    with pytest.raises(InvalidArgument, match="Expected --save to be a new file that ends in .keras"):
        import_file(Request(tmp_path / "x.keras", save=tmp_path / "x.keras"), root)
    with pytest.raises(InvalidArgument, match="Received: .*x.keras, an empty file"):
        import_file(Request(tmp_path / "x.keras"), root, report=lambda line: None)
    (root / "x" / "3").mkdir(parents=True)
    with pytest.raises(InvalidArgument, match="Version 3 already exists"):
        import_file(Request(tmp_path / "x.keras"), root, version=3)
    with pytest.raises(InvalidArgument, match="Expected a text file with one label per line"):
        parse_labels(tmp_path / "none")


def test_a_crash_of_the_child_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the child process crashes, the import raises an error of one line and leaves no files."""
    keras.Sequential([layers.Input((3,)), layers.Dense(2)]).save(tmp_path / "x.keras")
    (tmp_path / "dying.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FailedPrecondition, match=r"ended with signal 11 \(SIGSEGV\)"):
        import_file(
            Request(tmp_path / "x.keras", classes=["dying"]), tmp_path / "saved_models", report=lambda line: None
        )
    assert entries(tmp_path / "saved_models") == []
