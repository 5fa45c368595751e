"""Tests of the logs of a training."""

import logging
from pathlib import Path

import keras
import numpy as np
import pytest
from keras_gallery.training.errors import BadFolder
from keras_gallery.training.logs import close, log_callbacks, without_retracing_warnings

FULL = Path("/dev/full")  # each write fails, as on a full disk


def fitted(csv_log: Path | None = None, tensorboard: Path | None = None, epoch: int = 0) -> keras.callbacks.History:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((2, 1), np.float32)
    callbacks = log_callbacks(csv_log, tensorboard, epoch)
    try:
        return model.fit(x, x, epochs=3, verbose=0, callbacks=callbacks)
    finally:
        close(callbacks)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def own(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Returns our messages. TensorFlow logs a warning if the tests of a process have traced many functions."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("keras_gallery")]


def test_a_csv_log_on_a_full_disk_does_not_end_the_training(caplog: pytest.LogCaptureFixture) -> None:
    assert len(fitted(FULL).history["loss"]) == 3
    assert own(caplog) == [
        "Cannot write the CSV log /dev/full: No space left on device. The training goes on without it."
    ]


@pytest.mark.models
def test_a_tensorboard_log_that_fails_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import tensorflow as tf

    def fail(self: object, *_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device\n\tat the end of a file")

    monkeypatch.setattr(keras.callbacks.TensorBoard, "_log_epoch_metrics", fail)
    assert len(fitted(tensorboard=tmp_path).history["loss"]) == 3
    message = f"Cannot write the TensorBoard log {tmp_path}: No space left on device. The training goes on without it."
    assert own(caplog) == [message]


@pytest.mark.models
def test_a_tensorboard_log_on_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The largest size of a file stands for the size of the disk."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_300, limits[1]))  # reached in the second epoch
    try:
        assert len(fitted(tensorboard=tmp_path).history["loss"]) == 3
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    message = f"Cannot write the TensorBoard log {tmp_path}: File too large. The training goes on without it."
    assert own(caplog) == [message]


def test_another_error_of_a_log_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.callbacks.CSVLogger, "on_epoch_end", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fitted(tmp_path / "log.csv")


@pytest.mark.models
def test_a_log_that_cannot_be_written_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadFolder, match=r"^Cannot write the CSV log /.*: Is a directory\.$"):
        fitted(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadFolder, match=r"^Cannot write the TensorBoard log /.*/file/logs: .*\.$"):
        fitted(tensorboard=tmp_path / "file" / "logs")


def test_only_warnings_of_retracing_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tensorflow")
    logger.addHandler(caplog.handler)
    try:
        with without_retracing_warnings():
            logger.warning("5 out of the last 5 calls to %s triggered tf.function retracing.", "f")
            logger.warning("another warning")
        logger.warning("f triggered tf.function retracing.")
    finally:
        logger.removeHandler(caplog.handler)
    messages = list(dict.fromkeys(caplog.messages))
    assert messages == ["another warning", "f triggered tf.function retracing."]
