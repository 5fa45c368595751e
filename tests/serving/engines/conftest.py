"""Fixtures: the SavedModels of `made_models.py`, engines, and cache folders of OpenVINO files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from keras_gallery.serving.engines.openvino.conversion import Converter
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.quiet import quiet_import


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the SavedModels and TensorFlow Lite files that `made_models.py` writes."""
    with quiet_import(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from . import made_models as make

        root = tmp_path_factory.mktemp("made")
        for build in (make.dtypes, make.shapes, make.examples, make.tf1, make.networks, make.windows):
            build(root / build.__name__)
        make.tf1(root / "text", as_text=True)
        make.tflite_source(root / "tflite_source")
        make.tflite(root / "tflite", root / "tflite_source")
        make.tflite_without_signatures(root / "tflite_plain")
    return root


@pytest.fixture(scope="session")
def process() -> Iterator[TensorFlowProcess]:
    owner = TensorFlowProcess()
    yield owner
    owner.close()


@pytest.fixture(scope="session")
def tensorflow(process: TensorFlowProcess) -> Iterator[TensorFlow]:
    engine = TensorFlow(process.address)
    yield engine
    engine.close()


@pytest.fixture
def files(tmp_path: Path) -> OpenVinoFiles:
    """Returns an empty cache of OpenVINO files."""
    return OpenVinoFiles(tmp_path / "cache")


@pytest.fixture(scope="session")
def converted_files(models: Path, tmp_path_factory: pytest.TempPathFactory) -> OpenVinoFiles:
    """Returns a cache with the OpenVINO files of the SavedModel `networks`."""
    files = OpenVinoFiles(tmp_path_factory.mktemp("cache"))
    assert Converter(files).prepare(models / "networks")
    return files
