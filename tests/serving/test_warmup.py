"""Warm-up files as TensorFlow writes them, and what is no such file."""

from __future__ import annotations

import logging
import struct
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import warmup
from keras_gallery.serving.wire import messages
from keras_gallery.serving.wire.predict import ModelSpec


def log_of(value: float) -> bytes:
    """A recorded Predict request with one number in it."""
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
    (folder / warmup.FILE).parent.mkdir()
    (folder / warmup.FILE).write_bytes(content)


def values(folder: Path) -> list[Any]:
    return [np.asarray(request.inputs["x"]).tolist() for request in warmup.read(folder)]


def test_a_file_that_tensorflow_wrote(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    theirs = predict_pb2.PredictRequest(model_spec={"name": "m", "signature_name": "encode"}, output_filter=["y"])
    theirs.inputs["x"].CopyFrom(tf.make_tensor_proto(array))
    log = prediction_log_pb2.PredictionLog(predict_log={"request": theirs})
    (tmp_path / warmup.FILE).parent.mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / warmup.FILE)) as writer:
        for _ in range(3):
            writer.write(log.SerializeToString())
    requests = list(warmup.read(tmp_path))
    assert len(requests) == 3
    for request in requests:
        assert (request.spec, request.outputs) == (ModelSpec("m", signature="encode"), ("y",))
        np.testing.assert_array_equal(request.inputs["x"], array)


def test_no_file(tmp_path: Path) -> None:
    assert values(tmp_path) == []


GOOD = record(log_of(1)) + record(log_of(2))
FILES = {
    "good": (GOOD, [1, 2], ""),
    "empty": (b"", [], ""),
    "other kinds of request": (record(messages.PredictionLog(regress_log={}).SerializeToString()) + GOOD, [1, 2], ""),
    "unreadable record": (record(b"\xff\xff") + GOOD, [1, 2], "unreadable"),
    "checksum cut": (GOOD[:-1], [1], "cut short"),
    "data cut": (GOOD[:-10], [1], "cut short"),
    "header cut": (GOOD + record(log_of(3))[:7], [1, 2], ""),
    "huge length": (GOOD + struct.pack("<QI", 1 << 62, 0) + bytes(100), [1, 2], "cut short"),
    "highest length": (b"\xff" * 100, [], "cut short"),
    "text": (b"this is no TFRecord file, but it is long enough for a header", [], "cut short"),
}


@pytest.mark.parametrize(("content", "expected", "warning"), FILES.values(), ids=FILES)
def test_files(
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


def test_at_most_1000(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, record(log_of(5)) * 1001)
    assert len(values(tmp_path)) == 1000
    assert "over 1000 warm-up requests" in caplog.text
