"""`import keras_gallery as kg` is fast and has functions to create, train, export and serve models."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from keras_gallery.models import BadHyperparameter, UnknownModel
from keras_gallery.models import list_models as registered
from keras_gallery.serving.errors import NotFound
from keras_gallery.training.errors import UnknownDataset, UnknownRun

import keras_gallery as kg
from keras_gallery.api import MissingName
from keras_gallery.loading import MissingPackage

SLOW = {"keras", "tensorflow", "numpy", "grpc", "httpx", "openvino", "PIL", "google.protobuf", "importlib.metadata"}


def python(code: str, folder: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_is_fast() -> None:
    code = f"import sys, keras_gallery as kg; kg.list_models(); print({SLOW} & set(sys.modules))"
    assert python(code) == "set()\n"


def test_the_client_needs_no_keras() -> None:
    code = "import sys, keras_gallery as kg; kg.Client; print({'keras', 'tensorflow'} & set(sys.modules))"
    assert python(code) == "set()\n"


@pytest.mark.models
def test_all_names_exist() -> None:
    assert set(kg.__all__) <= set(dir(kg))
    assert all(getattr(kg, name) is not None for name in kg.__all__)
    assert all(getattr(kg, name).__doc__ for name in kg.__all__)
    with pytest.raises(AttributeError, match="module 'keras_gallery' has no attribute 'trian'"):
        _ = kg.trian  # type: ignore[attr-defined]


def test_version_equals_the_version_of_the_distribution() -> None:
    assert kg.__version__ == version("keras-gallery")


@pytest.mark.parametrize("call", ["create('mlp_classifier')", "train('mlp_classifier')", "Run", "export('lstm')"])
@pytest.mark.parametrize("package", ["keras", "tensorflow"])
def test_error_if_a_package_is_missing(call: str, package: str) -> None:
    code = (
        f"import sys, keras_gallery as kg\nsys.modules[{package!r}] = None\n"
        f"try: kg.{call}\nexcept ImportError as error: print(type(error).__name__, error)"
    )
    message = f"The package {package} is not installed. In the folder of the project, run: pip install '.[models]'"
    assert python(code) == f"{MissingPackage.__name__} {message}\n"


@pytest.mark.models
def test_train_export_serve_and_classify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = kg.train("mlp_classifier", dataset="digits", epochs=2, hidden=(8,))
    assert isinstance(run, kg.Run) and run.folder == Path("runs/mlp_classifier/001")
    assert run.config["epochs"] == 2 and run.config["hyperparameters"]["hidden"] == [8]

    steps: list[str] = []
    assert kg.export(run, progress=steps.append) == Path("saved_models/mlp_classifier/1")
    assert steps[0] == "Writing the SavedModel" and len(steps) == 3
    images = kg.load_dataset("digits").x_test[:5]
    with kg.serve("mlp_classifier", log="log") as server:
        for target in (server.grpc, server.rest):
            with kg.Client(target) as client:
                found = client.classify("mlp_classifier", images)
                assert len(found.labels) == 5 and set(found.labels) <= set(run.config["labels"])
    assert server.process is not None and server.process.returncode == 0


@pytest.mark.models
def test_export_takes_a_name_or_a_keras_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = kg.create("thin_network")
    assert kg.export(model, "mine", version=7) == Path("saved_models/mine/7")
    with pytest.raises(MissingName, match="A Keras model needs a name"):
        kg.export(model)
    with pytest.raises(UnknownRun, match="gallery train sequence_to_vector"):
        kg.export("sequence_to_vector")


@pytest.mark.models
def test_wrong_names(tmp_path: Path) -> None:
    assert kg.list_models() == registered() and kg.list_models("dense*") == ["dense_autoencoder"]
    with pytest.raises(UnknownModel, match="Did you mean dense_autoencoder"):
        kg.create("dense_autoencodr")
    with pytest.raises(BadHyperparameter, match="code_dim"):
        kg.train("dense_autoencoder", code_dim=0, runs=tmp_path)
    with pytest.raises(UnknownDataset, match="Did you mean digits"):
        kg.load_dataset("digit")
    with pytest.raises(NotFound), kg.serve(saved_models=tmp_path):
        pass
    assert not any(tmp_path.iterdir())
