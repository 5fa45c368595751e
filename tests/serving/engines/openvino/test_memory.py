"""Tests that loading and closing a model many times does not leak memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.base import Engine
from keras_gallery.serving.engines.openvino.conversion import Converter
from keras_gallery.serving.engines.openvino.engine import OpenVino
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.engines.tflite import TfLite, read_meta_graph
from keras_gallery.serving.saved_model import read_signatures, signatures_of
from keras_gallery.serving.wire.signature import SignatureDef

SWAPS = 100
SIDE = 1500  # 9 MB of weights, so that a leak of a tenth of the weights is visible


def resident(pid: int) -> int:
    """Returns a process's resident memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(engine: Engine, folder: Path, signatures: dict[str, SignatureDef], pid: Callable[[], int]) -> float:
    """Loads and closes a model `SWAPS` times. Returns the growth of the process's memory as a fraction.

    The growth is measured from the maximum of the first 10 rounds to the maximum of the last 10 rounds.
    """
    sizes = []
    for _ in range(SWAPS):
        loaded: dict[str, Any] = engine.load(folder, signatures)
        loaded["serving_default"]({"x": np.ones((2, SIDE), np.float32)}, ["y"])
        for runner in loaded.values():
            runner.close()
        del loaded, runner
        sizes.append(resident(pid()))
    return max(sizes[-10:]) / max(sizes[:10]) - 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tensorflow as tf

    from ..made_models import Spec, save

    root = tmp_path_factory.mktemp("large")
    weights = tf.Variable(np.random.default_rng(0).random((SIDE, SIDE), np.float32))
    rows = [Spec([None, SIDE], tf.float32, name="x")]
    save(root / "1", {"serving_default": (rows, lambda x: {"y": tf.nn.relu(x @ weights)})}, weights=weights)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(root / "1"))
    (root / "1" / "model.tflite").write_bytes(converter.convert())
    return root / "1"


@pytest.mark.slow
def test_openvino(folder: Path, files: OpenVinoFiles) -> None:
    assert Converter(files).prepare(folder)
    assert growth(OpenVino(files), folder, read_signatures(folder), os.getpid) < 0.05


@pytest.mark.slow
def test_tensorflow(folder: Path, tensorflow: TensorFlow, process: TensorFlowProcess) -> None:
    def pid() -> int:
        assert process._process is not None
        return process._process.pid

    assert growth(tensorflow, folder, read_signatures(folder), pid) < 0.05


@pytest.mark.slow
def test_tflite(folder: Path) -> None:
    assert growth(TfLite(), folder, signatures_of(read_meta_graph(folder)), os.getpid) < 0.05
