"""Tests of the end of a server process."""

from __future__ import annotations

import signal
import threading

import pytest
from keras_gallery.serving.server.loop import exit_in


def test_a_process_ends_in_time_although_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(timer: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", start)
    handler = signal.getsignal(signal.SIGALRM)
    try:
        exit_in(600)
        assert 0 < signal.alarm(0) <= 600
        assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
