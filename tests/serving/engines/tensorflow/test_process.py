"""Tests of the TensorFlow process's socket, with a fake process that accepts connections and does not answer."""

from __future__ import annotations

import io
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.engines.tensorflow import connections
from keras_gallery.serving.engines.tensorflow import process as tensorflow_process
from keras_gallery.serving.engines.tensorflow.connections import Connections
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.errors import Unavailable


class FakeProcess:
    """Has the methods of `Popen` that `TensorFlowProcess` uses. Ends when `wait` is called."""

    pid = 1

    def __init__(self, command: list[str], pass_fds: list[int], **options: Any) -> None:
        self.stdin = io.BytesIO()
        self._listener = socket.socket(fileno=os.dup(pass_fds[0]))

    def poll(self) -> int | None:
        return None

    def wait(self, timeout: float | None = None) -> int:
        self._listener.close()
        return 0


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Returns a folder for temporary files with a short path."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> Iterator[TensorFlowProcess]:
    monkeypatch.setattr(tensorflow_process.subprocess, "Popen", FakeProcess)
    monkeypatch.setattr(connections, "_DELAYS", (0, 0))
    owner = TensorFlowProcess(sandbox=True)
    yield owner
    owner.close()


def test_a_deleted_folder(process: TensorFlowProcess, temporary: Path) -> None:
    pool = Connections(process.address, ["serve"])
    first = process.address()
    assert process.address() == first
    pool._connect().close()
    for folder in temporary.iterdir():
        shutil.rmtree(folder)
    pool._connect().close()
    assert process.address() != first
    process.close()
    assert list(temporary.iterdir()) == []


def test_a_deleted_socket(process: TensorFlowProcess) -> None:
    first = process.address()
    os.unlink(first)
    assert process.address() != first
    Connections(process.address, ["serve"])._connect().close()


def test_a_long_path(process: TensorFlowProcess, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = temporary / ("t" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"^The path of TensorFlow's socket is too long: .* shorter path\.$"):
            Connections(process.address, ["serve"])._connect()


def test_the_reason_is_logged_once(
    process: TensorFlowProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nonexistent"])
    pool = Connections(process.address, ["serve"])
    caplog.set_level(logging.ERROR, connections.__name__)
    for _ in range(3):
        with pytest.raises(Unavailable, match="^The TensorFlow process could not be started$"):
            pool._connect()
    (record,) = caplog.records
    assert "No usable temporary directory found in ['/nonexistent']" in record.getMessage()
