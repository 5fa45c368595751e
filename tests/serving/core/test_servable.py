"""Tests of closing a servable after its last request, and of measuring which runs are quick."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from keras_gallery.serving.core import servable
from keras_gallery.serving.core.servable import Servable, Signature
from keras_gallery.serving.engines.base import Arrays, WouldBlock
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.wire import messages


class Runner:
    """A fake runner that counts the calls of `close`."""

    engine = "e"
    can_join: Callable[[Arrays], bool] | None = None
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


def test_a_signature_that_no_engine_can_run() -> None:
    graph = messages.MetaGraphDef()
    for name in ("a", "b", "b_png", "__saved_model_init_op"):
        graph.signature_def[name].method_name = "predict"
    loaded = Servable("m", 1, graph, {name: Signature(None, Runner()) for name in "ba"})  # type: ignore[arg-type]
    for name in ("a", "nothing", "__saved_model_init_op"):  # for unknown signatures, each API has its own error
        loaded.check_can_run(name)
    message = 'The signature "b_png" needs TensorFlow, which is not installed on the server. .*: a, b.$'
    with pytest.raises(FailedPrecondition, match=message):
        loaded.check_can_run("b_png")


def test_a_closed_servable_cannot_be_acquired() -> None:
    loaded = Servable("m", 1, None, {})
    loaded.close()
    assert not loaded.acquire()


# === Quick runs ===

QUICK, NEITHER, SLOW = 0.001, 0.005, 0.02  # seconds


class Timed:
    """A signature with a fake clock. The test sets the duration of each run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.signature = Signature(None, self)  # type: ignore[arg-type]
        self._now = self._takes = 0.0
        monkeypatch.setattr(servable, "perf_counter", lambda: self._now)

    engine = "e"
    can_join: Callable[[Arrays], bool] | None = None

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        self._now += self._takes
        if not outputs:
            raise ValueError
        return inputs

    def close(self) -> None:
        """Does nothing."""

    def run(self, size: int, seconds: float, times: int = 1) -> None:
        self._takes = seconds
        for _ in range(times):
            self.signature.run({"x": np.zeros(size, np.int8)}, ["y"])

    def is_quick(self, size: int) -> bool:
        return self.signature.is_quick({"x": np.zeros(size, np.int8)})


def test_runs_up_to_a_quick_size_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    assert not timed.is_quick(0)
    timed.run(10, NEITHER)
    timed.run(100, SLOW)
    assert not timed.is_quick(0)
    timed.run(10, QUICK)
    assert timed.is_quick(0) and timed.is_quick(10) and not timed.is_quick(11)
    timed.run(30, QUICK)
    timed.run(20, QUICK)
    timed.run(100, SLOW)  # no effect, because this size was not quick before
    timed.run(20, NEITHER)  # no effect, because the run is not slow enough
    assert timed.is_quick(30) and not timed.is_quick(31)


def slow_then_quick(timed: Timed, slow: float) -> int:
    """Returns how many quick runs are needed after a slow run."""
    timed.run(10, slow)
    for count in range(2 * servable.QUICK_RUNS):
        if timed.is_quick(10):
            return count - 1
        timed.run(10, QUICK)
    raise AssertionError


def test_after_slow_runs_more_and_more_quick_runs_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    timed.run(10, QUICK)
    assert [slow_then_quick(timed, SLOW) for _ in range(7)] == [50, 100, 200, 400, 800, 1000, 1000]
    timed.run(10, servable.SLOW_AGAIN_SECONDS)  # a very slow run
    timed.run(10, QUICK, 1001)
    for _ in range(2):  # an interruption every minute
        timed.run(0, 0.0005, int(servable.SLOW_AGAIN_SECONDS / 0.0005))
        assert slow_then_quick(timed, SLOW) == 50


def test_after_a_very_slow_run_many_quick_runs_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    timed.run(10, QUICK)
    assert slow_then_quick(timed, 0.2) == servable.QUICK_RUNS


@pytest.mark.parametrize("resume", [None, dict])
def test_a_run_that_did_not_end_on_the_event_loop_was_slow(resume: Callable[[], Arrays] | None) -> None:
    def block(inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        raise WouldBlock(resume)

    signature = Signature(None, block)  # type: ignore[arg-type]
    signature.quick_bytes = 10
    with pytest.raises(WouldBlock):
        signature.run({}, [])
    assert signature.is_quick({}) == (resume is None)


def test_a_failed_run_does_not_count_as_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    with pytest.raises(ValueError):
        timed.signature.run({"x": np.zeros(1)}, [])
    assert not timed.is_quick(0)


def test_the_size_of_strings_includes_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    timed.signature.run({"x": np.array([b"a" * 100, b""], object)}, ["y"])
    assert timed.is_quick(116) and not timed.is_quick(117)


# === Joined requests ===


def test_only_the_runner_knows_which_requests_may_share_a_run() -> None:
    runner = Runner()
    signature = Signature(None, runner)  # type: ignore[arg-type]
    assert not signature.can_join({"x": np.zeros(1)})
    runner.can_join = lambda inputs: bool(inputs["x"].any())
    assert not signature.can_join({"x": np.zeros(1)})
    assert signature.can_join({"x": np.ones(1)})
