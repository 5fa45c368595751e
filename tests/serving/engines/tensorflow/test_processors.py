"""Tests that results are the same with and without oneDNN. TensorFlow uses oneDNN only on some processors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.serving.engines.base import Runner
from keras_gallery.serving.engines.openvino.conversion import Converter
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.saved_model import read_signatures

from ...conftest import MODEL


@pytest.fixture(scope="module", params=["0", "1"], ids=["without_onednn", "with_onednn"])
def tensorflow(request: pytest.FixtureRequest) -> Iterator[TensorFlow]:
    """Returns a TensorFlow engine. Each test runs with and without oneDNN."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", request.param)
        owner = TensorFlowProcess()
        engine = TensorFlow(owner.address)
        yield engine
        engine.close()
        owner.close()


@pytest.fixture
def encode(tensorflow: TensorFlow, saved_models: Path) -> Runner:
    folder = saved_models / MODEL / "1"
    return tensorflow.load(folder, {"encode": read_signatures(folder)["encode"]})["encode"]


@pytest.mark.parametrize("shape", [(8, 8, 1), (1, 8, 8, 2), (1, 8, 8, 3), (1, 64)])
def test_a_wrong_rank_or_number_of_channels_is_rejected(encode: Runner, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        encode({"image": np.zeros(shape, np.float32)}, ["code"])
    assert str(caught.value) == f"Expected shape [-1, 8, 8, 1] for input image. Received: {list(shape)}"


def test_a_wrong_size_raises_tensorflows_error(encode: Runner) -> None:
    with pytest.raises(InvalidArgument, match="Input to reshape is a tensor with 80 values"):
        encode({"image": np.zeros((1, 9, 8, 1), np.float32)}, ["code"])


def test_a_convolution_over_too_short_a_sequence(tensorflow: TensorFlow, models: Path) -> None:
    """Without oneDNN, the output is empty. With oneDNN, TensorFlow returns uninitialised memory of a wrong shape.

    The engine turns a wrong shape into an error.
    """
    steps = tensorflow.load(models / "windows", read_signatures(models / "windows"))["steps"]
    assert steps({"x": np.ones((2, 4, 6), np.float32)}, ["y"])["y"].shape == (2, 1, 2)
    try:
        output = steps({"x": np.ones((2, 3, 6), np.float32)}, ["y"])["y"]
    except InvalidArgument as error:
        assert str(error) == "Expected a larger input: output y has shape [2, 3, 6] instead of [-1, -1, 2]."
    else:
        assert output.shape == (2, 0, 2)


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_the_smallest_size_for_openvino(
    models: Path, tmp_path: Path, onednn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    files = OpenVinoFiles(tmp_path)
    Converter(files).prepare(models / "windows")
    index = files.of(models / "windows")
    assert index is not None
    assert {name: entry.least for name, entry in index.signatures.items()} == {"steps": 4}
