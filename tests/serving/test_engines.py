"""The engines against Keras, and against each other."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import servable
from keras_gallery.serving.engines import OpenVino, TensorFlow
from keras_gallery.serving.engines.openvino import FOLDER
from keras_gallery.serving.errors import InvalidArgument, ServingError, Unavailable
from keras_gallery.serving.saved_model import read_signatures

from .conftest import MODEL


@pytest.fixture(scope="module")
def tensorflow() -> Iterator[TensorFlow]:
    engine = TensorFlow()
    yield engine
    engine.close()


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_both_engines_answer_as_keras(saved_models: Path, keras_model: Any, tensorflow: TensorFlow, batch: int) -> None:
    folder = saved_models / MODEL / "1"
    x = np.random.default_rng(batch).random((batch, 8, 8, 1), np.float32)
    want = keras_model.predict(x, verbose=0)
    definition = read_signatures(folder)["denoise"]
    for engine in (OpenVino(), tensorflow):
        runner = engine.load(folder, {"denoise": definition})["denoise"]
        np.testing.assert_allclose(runner({"image": x}, ["denoised"])["denoised"], want, atol=1e-5)
        runner.close()


def test_each_signature_gets_the_first_engine_that_takes_it(saved_models: Path, tensorflow: TensorFlow) -> None:
    loaded = servable.load(MODEL, 1, saved_models / MODEL / "1", [OpenVino(), tensorflow])
    chosen = {name: signature.runner.engine for name, signature in loaded.signatures.items()}
    assert {chosen["encode_png"], chosen["denoise_png"]} == {"tensorflow"}
    index = json.loads((saved_models / MODEL / "1" / FOLDER / "index.json").read_text())
    assert {name for name, engine in chosen.items() if engine == "openvino"} == set(index["signatures"])
    loaded.close()


def test_openvino_files_of_another_model_are_not_used(
    saved_models: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    weights = folder / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    assert OpenVino().load(folder, read_signatures(folder)) == {}
    assert "made from another SavedModel" in caplog.text


@pytest.mark.parametrize(
    "damage", ["no json", '{"fingerprint": 3}', "", "[]", "3", '{"fingerprint": 3, "signatures": 5}']
)
def test_a_damaged_index_is_passed_over(saved_models: Path, tmp_path: Path, damage: str) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    (folder / FOLDER / "index.json").write_text(damage)
    assert OpenVino().load(folder, read_signatures(folder)) == {}


def test_an_index_reaches_no_other_folder(saved_models: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    index = json.loads((folder / FOLDER / "index.json").read_text())
    shutil.move(folder / FOLDER / "encode.xml", tmp_path / "encode.xml")
    shutil.move(folder / FOLDER / "encode.bin", tmp_path / "encode.bin")
    index["signatures"]["encode"] = "../../../encode.xml"
    (folder / FOLDER / "index.json").write_text(json.dumps(index))
    assert "encode" not in OpenVino().load(folder, read_signatures(folder))


def test_openvino_refuses_another_shape(saved_models: Path) -> None:
    folder = saved_models / MODEL / "1"
    runner = OpenVino().load(folder, read_signatures(folder))["encode"]
    with pytest.raises(
        InvalidArgument, match=r"Expected shape \[-1, 8, 8, 1\] for input image. Received: \[1, 9, 8, 1\]"
    ):
        runner({"image": np.zeros((1, 9, 8, 1), np.float32)}, ["code"])


def test_tensorflow_reports_its_own_words(saved_models: Path, tensorflow: TensorFlow) -> None:
    folder = saved_models / MODEL / "1"
    runner = tensorflow.load(folder, {"encode_png": read_signatures(folder)["encode_png"]})["encode_png"]
    with pytest.raises(InvalidArgument, match="8x8 pixels"):
        runner({"image_bytes": np.array([b"x", b""], object)[:1]}, ["code"])
    runner.close()


def test_a_killed_process_is_started_anew(saved_models: Path) -> None:
    engine, folder = TensorFlow(), saved_models / MODEL / "1"
    runner = engine.load(folder, {"encode": read_signatures(folder)["encode"]})["encode"]
    inputs = {"image": np.zeros((1, 8, 8, 1), np.float32)}
    before = runner(inputs, ["code"])["code"]
    assert engine._process is not None
    first = engine._process.pid
    os.kill(first, signal.SIGKILL)
    try:
        after = runner(inputs, ["code"])["code"]
    except Unavailable:  # the request was on its way
        after = runner(inputs, ["code"])["code"]
    np.testing.assert_array_equal(before, after)
    assert engine._process is not None and engine._process.pid != first
    engine.close()


def test_a_model_cut_short_is_an_error(saved_models: Path, tmp_path: Path, tensorflow: TensorFlow) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    weights = folder / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ServingError):
        servable.load(MODEL, 1, folder, [OpenVino(), tensorflow])
