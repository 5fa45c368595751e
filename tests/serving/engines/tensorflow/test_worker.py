"""Tests of the TensorFlow process's connections, without TensorFlow."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest
from keras_gallery.serving.engines.tensorflow import worker
from keras_gallery.serving.engines.tensorflow.frames import PING, Stream


class Listener:
    """A listening socket that first raises `error`, and then accepts a connection."""

    def __init__(self, error: OSError | None = None) -> None:
        self._errors = [error] if error else []
        self.client, self._server = socket.socketpair()

    def accept(self) -> tuple[socket.socket, str]:
        if self._errors:
            raise self._errors.pop()
        return self._server, ""


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ACCEPT_PAUSE_SECONDS", 0)


def _is_answered(listener: Listener) -> bool:
    models: Any = None
    worker.accept(listener, models)  # type: ignore[arg-type]
    listener.client.settimeout(10)
    stream = Stream(listener.client)
    stream.write(PING, b"")
    answer = stream.read()
    stream.close()
    return answer == (0, b"")


def test_a_connection_waits_for_a_file_descriptor() -> None:
    assert _is_answered(Listener(OSError(errno.EMFILE, "Too many open files")))


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_a_connection_waits_for_a_thread(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    start, errors = worker._thread.start_new_thread, [error]

    def start_late(function: Callable[..., None], arguments: tuple[Any, ...]) -> int:
        if errors:
            raise errors.pop()
        return start(function, arguments)

    monkeypatch.setattr(worker._thread, "start_new_thread", start_late)
    assert _is_answered(Listener())
