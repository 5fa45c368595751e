"""Tests of warm-up files: reading files that TensorFlow wrote, reading damaged files, and replaying the requests."""

from __future__ import annotations

import logging
import struct
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import warmup_file
from keras_gallery.serving.core import warmup
from keras_gallery.serving.core.warmup import Record
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument, ServingError
from keras_gallery.serving.wire import messages
from keras_gallery.serving.wire.model_spec import ModelSpec
from keras_gallery.serving.wire.predict import PredictRequest
from keras_gallery.serving.wire.tensor import TensorError

from ..fake_models import definition, signatures


def log_of(value: float) -> bytes:
    """Returns a serialized PredictionLog of a Predict request with one float."""
    log = messages.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = "m", "encode"
    request.inputs["x"].dtype = 1
    request.inputs["x"].float_val.append(value)
    request.output_filter.append("y")
    return bytes(log.SerializeToString())


def record(data: bytes) -> bytes:
    return struct.pack("<QI", len(data), 0) + data + bytes(4)


def write(folder: Path, content: bytes) -> None:
    (folder / warmup_file.FILE).parent.mkdir()
    (folder / warmup_file.FILE).write_bytes(content)


def values(folder: Path) -> list[Any]:
    return [np.asarray(record.request.inputs["x"]).tolist() for record in warmup.read(folder)]


def test_a_file_that_tensorflow_wrote(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    theirs = predict_pb2.PredictRequest(model_spec={"name": "m", "signature_name": "encode"}, output_filter=["y"])
    theirs.inputs["x"].CopyFrom(tf.make_tensor_proto(array))
    log = prediction_log_pb2.PredictionLog(predict_log={"request": theirs})
    (tmp_path / warmup_file.FILE).parent.mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / warmup_file.FILE)) as writer:
        for _ in range(3):
            writer.write(log.SerializeToString())
    records = list(warmup.read(tmp_path))
    assert len(records) == 3
    for method, request in records:
        assert method == "predict"
        assert (request.spec, request.outputs) == (ModelSpec("m", signature="encode"), ("y",))
        np.testing.assert_array_equal(request.inputs["x"], array)


def test_no_file(tmp_path: Path) -> None:
    assert values(tmp_path) == []


GOOD = record(log_of(1)) + record(log_of(2))
FILES = {
    "good": (GOOD, [1, 2], ""),
    "empty": (b"", [], ""),
    "unsupported request type": (
        record(messages.PredictionLog(session_run_log={}).SerializeToString()) + GOOD,
        [1, 2],
        "of an unsupported kind",
    ),
    "no request": (record(b"") + GOOD, [1, 2], "of an unsupported kind"),
    "unreadable record": (record(b"\xff\xff") + GOOD, [1, 2], "unreadable"),
    "truncated checksum": (GOOD[:-1], [1], "truncated warm-up file"),
    "truncated data": (GOOD[:-10], [1], "truncated warm-up file"),
    "truncated header": (GOOD + record(log_of(3))[:7], [1, 2], ""),
    "huge length": (GOOD + struct.pack("<QI", 1 << 62, 0) + bytes(100), [1, 2], "truncated warm-up file"),
    "highest length": (b"\xff" * 100, [], "truncated warm-up file"),
    "text": (b"this is no TFRecord file, but it is long enough for a header", [], "truncated warm-up file"),
}


@pytest.mark.parametrize(("content", "expected", "warning"), FILES.values(), ids=FILES)
def test_complete_and_damaged_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, expected: list[int], warning: str
) -> None:
    write(tmp_path, content)
    tracemalloc.start()
    try:
        with caplog.at_level(logging.WARNING):
            assert values(tmp_path) == expected
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert [warning in message for message in caplog.messages] == ([True] if warning else [])


def test_at_most_1000_requests(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, record(log_of(5)) * 1001)
    assert len(values(tmp_path)) == 1000
    assert "only the first 1000 warm-up requests are replayed" in caplog.text


# === Replaying ===

X = np.ones((1, 2), np.float32)
INPUT = {"example_list": {"examples": [{"features": {"feature": {"x": {"float_list": {"value": [1.5]}}}}}]}}
SIGNATURES = signatures(
    (definition("encode", {"x": "float"}, {"y": "float", "z": "float"}), lambda _: {}),
    (definition("optional", {"x": "float"}, {"y": "float"}, defaults={"x": X}), lambda _: {}),
    (definition("serving_default", method="regress"), lambda _: {}),
    (definition("classify", outputs={"scores": "float", "more": "float"}, method="classify"), lambda _: {}),
)


def predict_record(signature: str, outputs: tuple[str, ...] = (), **inputs: Any) -> Record:
    return Record("predict", PredictRequest(ModelSpec("m", signature=signature), inputs, outputs))


def test_requests_of_every_type_are_read_and_replayed(tmp_path: Path) -> None:
    spec = {"name": "m", "signature_name": "classify"}
    tasks = [
        {"model_spec": {"name": "m"}, "method_name": "tensorflow/serving/regress"},
        {"model_spec": spec, "method_name": "tensorflow/serving/classify"},
    ]
    logs = [
        {"classify_log": {"request": {"model_spec": spec, "input": INPUT}}},
        {"regress_log": {"request": {"model_spec": {"name": "m"}, "input": INPUT}}},
        {"multi_inference_log": {"request": {"tasks": tasks, "input": INPUT}}},
    ]
    write(tmp_path, b"".join(record(messages.PredictionLog(**log).SerializeToString()) for log in logs))
    replays = [(each.kind, each.runs(SIGNATURES)) for each in warmup.read(tmp_path)]
    assert [(method, [(run.signature, run.outputs) for run in runs]) for method, runs in replays] == [
        ("classify", [("classify", ("scores",))]),
        ("regress", [("serving_default", ("outputs",))]),
        ("multi", [("serving_default", ("outputs",)), ("classify", ("scores",))]),
    ]
    for _, runs in replays:
        for run in runs:
            (example,) = run.inputs["inputs"]
            assert messages.Example.FromString(example).features.feature["x"].float_list.value == [1.5]


def test_predict_is_replayed() -> None:
    (run,) = predict_record("encode", x=X).runs(SIGNATURES)
    assert (run.signature, tuple(run.outputs)) == ("encode", ("y", "z"))
    assert run.inputs["x"] is X
    (run,) = predict_record("encode", ("z",), x=X).runs(SIGNATURES)
    assert tuple(run.outputs) == ("z",)
    (run,) = predict_record("optional").runs(SIGNATURES)
    assert run.inputs["x"] is X


@pytest.mark.parametrize(
    ("record", "error_class", "message"),
    [
        (predict_record("x"), FailedPrecondition, 'Serving signature key "x" not found'),
        (predict_record("encode"), InvalidArgument, "input size does not match"),
        (predict_record("encode", x=TensorError("")), InvalidArgument, "tensor parsing error: x"),
        (predict_record("encode", x=X.astype(int)), InvalidArgument, "Expects arg"),
        (predict_record("encode", ("x",), x=X), InvalidArgument, "output tensor alias not found"),
        (Record("predict", PredictRequest(None, {})), InvalidArgument, "input size does not match"),
        (Record("regress", messages.RegressionRequest()), InvalidArgument, "Input is empty"),
        (
            Record("regress", messages.RegressionRequest(model_spec={"signature_name": "x"}, input=INPUT)),
            InvalidArgument,
            "No signature was found",
        ),
        (Record("classify", messages.ClassificationRequest(input=INPUT)), InvalidArgument, "Expected classification"),
        (Record("multi", messages.MultiInferenceRequest(tasks=[{}], input=INPUT)), InvalidArgument, "empty model name"),
    ],
    ids=[
        "unknown signature",
        "missing input",
        "invalid tensor",
        "wrong dtype",
        "unknown output",
        "no model spec",
        "no examples",
        "unknown regress signature",
        "wrong classify signature",
        "no model name",
    ],
)
def test_requests_that_cannot_be_replayed(record: Record, error_class: type[ServingError], message: str) -> None:
    with pytest.raises(error_class, match=message):
        record.runs(SIGNATURES)
