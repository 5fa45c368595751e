"""Tests of SavedModels from elsewhere on a system without TensorFlow: OpenVINO is compared with recorded answers."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import saved_model, warmup_file
from keras_gallery.serving.engines.base import Arrays, Runner
from keras_gallery.serving.engines.openvino import recorded
from keras_gallery.serving.engines.openvino.comparison import Rejected
from keras_gallery.serving.engines.openvino.conversion import Converter
from keras_gallery.serving.engines.openvino.engine import OpenVino
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.engines.openvino.generated_inputs import Inputs
from keras_gallery.serving.engines.openvino.recorded import Answer
from keras_gallery.serving.engines.tensorflow import library
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire import dtypes, messages, tensor
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

FLOAT = next(row for row in dtypes.DATA_TYPES if row.name == "float")
DENSE = SignatureDef("s", "", {"x": TensorSpec("x:0", FLOAT, (-1, 3))}, {"y": TensorSpec("y:0", FLOAT, (-1, 3))})
X = np.float32([[1, 2, -3], [4, 5, 6]])


def answered(arrays: Arrays) -> Arrays:
    return {"y": arrays["x"] * 2}


def log_of(signature: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> bytes:
    """Returns a request with its answer as TensorFlow Serving logs them, as a record of a TFRecord file."""
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    for name, array in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tensor.from_array(array))
    for name, array in outputs.items():
        log.predict_log.response.outputs[name].CopyFrom(tensor.from_array(array))
    data = log.SerializeToString()
    return struct.pack("<QI", len(data), 0) + data + bytes(4)


def write(folder: Path, *records: bytes) -> None:
    (folder / warmup_file.FILE).parent.mkdir(exist_ok=True)
    (folder / warmup_file.FILE).write_bytes(b"".join(records))


# === The comparison ===


def test_equal_answers() -> None:
    verdict = recorded.compare(DENSE, [Answer({"x": X}, {"y": 2 * X})], answered)
    assert verdict == (1e3, 1, 1.0, True)
    largest = recorded.compare(DENSE, [Answer({"x": 500 * X}, {"y": 1000 * X})], answered).limit
    assert largest == 1e6, "the recorded inputs have larger numbers than 1,000"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "no recorded answers with y"),
        ([Answer({"x": X}, {})], "no recorded answers with y"),
        ([Answer({"x": X}, {"z": X})], "no recorded answers with y"),
        ([Answer({"x": X.astype(np.float64)}, {"y": 2 * X})], "no recorded answers with y"),
        ([Answer({"x": X[0]}, {"y": 2 * X[0]})], "no recorded answers with y"),
        ([Answer({"x": X}, {"y": 2 * X}), Answer({"x": X}, {"y": 2.001 * X})], "OpenVINO: different values of y"),
        ([Answer({"x": X}, {"y": 2 * X[:1]})], "OpenVINO: different values of y"),
        ([Answer({"x": X}, {"y": (2 * X).astype(np.float64)})], "OpenVINO: different values of y"),
    ],
)
def test_missing_and_different_answers(answers: list[Answer], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        recorded.compare(DENSE, answers, answered)


def test_the_file(tmp_path: Path) -> None:
    good, plain = log_of("a", {"x": X}, {"y": X}), log_of("a", {"x": X}, {})
    broken = messages.PredictionLog()
    broken.predict_log.response.outputs["y"].dtype = 99
    data = broken.SerializeToString()
    write(tmp_path, good, plain, struct.pack("<QI", len(data), 0) + data + bytes(4), log_of("", {"x": X}, {"y": X}))
    found = recorded.read(tmp_path)
    assert {name: len(answers) for name, answers in found.items()} == {"a": 1, "serving_default": 1}
    np.testing.assert_array_equal(found["a"][0].inputs["x"], X)
    assert recorded.read(tmp_path / "missing") == {}


# === A SavedModel ===


@pytest.fixture
def folder(models: Path, tensorflow: TensorFlow, tmp_path: Path) -> Path:
    """Returns a SavedModel whose log has answers of TensorFlow for two signatures, and a wrong one for a third."""
    folder = tmp_path / "networks"
    shutil.copytree(models / "networks", folder)
    signatures = saved_model.read_signatures(folder)
    runners = tensorflow.load(folder, signatures)
    records = []
    for name in ("dense", "conv", "padded"):
        inputs = Inputs(signatures[name], 4).make(2)
        outputs = runners[name](inputs, list(signatures[name].outputs))
        if name == "padded":
            outputs = {each: value + 1 for each, value in outputs.items()}
        records.append(log_of(name, inputs, outputs))
    write(folder, *records)
    return folder


@pytest.fixture
def no_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides TensorFlow from this process and its children: a package without the library comes first in the path."""
    (tmp_path / "hidden" / "tensorflow").mkdir(parents=True)
    (tmp_path / "hidden" / "tensorflow" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))
    monkeypatch.setattr(library, "find", lambda: None)


@pytest.fixture
def runners(folder: Path, files: OpenVinoFiles, no_tensorflow: None) -> Iterator[dict[str, Runner]]:
    assert Converter(files).prepare(folder)
    loaded = OpenVino(files).load(folder, saved_model.read_signatures(folder))
    yield loaded
    for runner in loaded.values():
        runner.close()


def test_signatures_with_recorded_answers_are_served(
    runners: dict[str, Runner], folder: Path, tensorflow: TensorFlow, caplog: pytest.LogCaptureFixture
) -> None:
    assert runners.keys() == {"dense", "dense_copy", "same_name", "conv"}, "three of them have the same graph"
    for name in ("dense", "conv"):
        for answer in recorded.read(folder)[name]:
            for output, value in runners[name](answer.inputs, list(answer.outputs)).items():
                np.testing.assert_allclose(value, answer.outputs[output], rtol=1e-5, atol=1e-6)
    lines = "".join(record.message for record in caplog.get_records("setup"))
    assert "padded needs TensorFlow (pip install '.[models]'): OpenVINO: different values of " in lines
    assert "integers needs TensorFlow (pip install '.[models]'): no recorded answers with " in lines
    assert "strings needs TensorFlow (pip install '.[models]'): strings" in lines


def test_larger_numbers_than_the_compared_ones_are_refused(runners: dict[str, Runner], folder: Path) -> None:
    (answer,) = recorded.read(folder)["dense"]
    ((name, array),) = answer.inputs.items()
    with pytest.raises(InvalidArgument, match="at most 1000 for input"):
        runners["dense"]({name: np.full_like(array, 1001)}, list(answer.outputs))


def test_with_tensorflow_the_signatures_are_compared_with_it(
    folder: Path, files: OpenVinoFiles, no_tensorflow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Converter(files).prepare(folder)
    monkeypatch.undo()
    assert files.of(folder) is None


def test_a_line_for_each_signature_without_recorded_answers(
    models: Path, files: OpenVinoFiles, no_tensorflow: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert not Converter(files).prepare(models / "tf1")
    names = sorted(saved_model.read_signatures(models / "tf1"))
    line = "{}: {} needs TensorFlow (pip install '.[models]'): no recorded answers"
    assert caplog.messages == [line.format(models / "tf1", name) for name in names]
