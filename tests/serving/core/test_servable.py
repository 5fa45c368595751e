"""A servable is closed after its last request. Its signatures learn which runs are quick."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from keras_gallery.serving.core import servable
from keras_gallery.serving.core.servable import Servable, Signature
from keras_gallery.serving.engines.base import Arrays


class Runner:
    """Counts how often it is closed."""

    engine = "e"
    closed = 0

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        return inputs

    def close(self) -> None:
        self.closed += 1


def test_close_waits_for_the_last_user() -> None:
    runner = Runner()
    loaded = Servable("m", 1, None, {"s": Signature(None, runner)})  # type: ignore[arg-type]
    assert loaded.acquire()
    assert loaded.acquire()
    closing = threading.Thread(target=loaded.close)
    closing.start()
    loaded.release()
    closing.join(0.05)
    assert closing.is_alive()
    assert not runner.closed
    loaded.release()
    closing.join(10)
    assert runner.closed == 1


def test_what_is_closed_takes_no_more_users() -> None:
    loaded = Servable("m", 1, None, {})
    loaded.close()
    assert not loaded.acquire()


# === Quick runs ===

QUICK, NEITHER, SLOW = 0.001, 0.005, 0.02  # seconds


class Timed:
    """A signature whose runs take as long as a test says, by the clock that it has."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.signature = Signature(None, self)  # type: ignore[arg-type]
        self._now = self._takes = 0.0
        monkeypatch.setattr(servable, "perf_counter", lambda: self._now)

    engine = "e"

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        self._now += self._takes
        if not outputs:
            raise ValueError
        return inputs

    def close(self) -> None:
        """Holds nothing."""

    def run(self, size: int, seconds: float, times: int = 1) -> None:
        self._takes = seconds
        for _ in range(times):
            self.signature.run({"x": np.zeros(size, np.int8)}, ["y"])

    def is_quick(self, size: int) -> bool:
        return self.signature.is_quick({"x": np.zeros(size, np.int8)})


def test_what_was_quick_is_quick_up_to_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    assert not timed.is_quick(0)
    timed.run(10, NEITHER)
    timed.run(100, SLOW)
    assert not timed.is_quick(0)
    timed.run(10, QUICK)
    assert timed.is_quick(0) and timed.is_quick(10) and not timed.is_quick(11)
    timed.run(30, QUICK)
    timed.run(20, QUICK)
    timed.run(100, SLOW)  # nobody took it for quick
    timed.run(20, NEITHER)  # another process had its turn
    assert timed.is_quick(30) and not timed.is_quick(31)


def test_what_was_not_as_quick_as_its_size_is_doubted_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    timed.run(10, QUICK)
    timed.run(10, SLOW)
    assert not timed.is_quick(0)
    timed.run(10, QUICK, servable.QUICK_RUNS)
    assert not timed.is_quick(0)
    timed.run(10, QUICK)
    assert timed.is_quick(10)


def test_a_run_that_fails_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    with pytest.raises(ValueError):
        timed.signature.run({"x": np.zeros(1)}, [])
    assert not timed.is_quick(0)


def test_strings_count_with_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    timed.signature.run({"x": np.array([b"a" * 100, b""], object)}, ["y"])
    assert timed.is_quick(116) and not timed.is_quick(117)
