"""Tests of runs that take long: the event loop does not wait for them, and they end at their deadline."""

from __future__ import annotations

import asyncio
import contextvars
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.base import DEADLINE, IS_ABANDONED, WouldBlock
from keras_gallery.serving.engines.tensorflow import runner as tensorflow_runner
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.errors import (
    Cancelled,
    DeadlineExceeded,
)
from keras_gallery.serving.saved_model import read_signatures

from .process_helpers import load, pid_of, resumed, stopped, until


def test_a_first_run_on_the_event_loop_raises_would_block(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    runner = engine.load_lazily(models / "shapes", read_signatures(models / "shapes"))["scalar"]
    x = {"x": np.array(1, np.float32)}

    async def run_on_event_loop() -> Any:
        return runner(x, ["y"])

    with pytest.raises(WouldBlock):
        asyncio.run(run_on_event_loop())
    assert owner._process is None
    assert runner(x, ["y"])["y"] == 2
    assert asyncio.run(run_on_event_loop())["y"] == 2


def test_the_event_loop_does_not_wait_for_a_slow_run(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    runner = load(engine, models / "shapes")["scalar"]
    x = {"x": np.array(1, np.float32)}
    runner(x, ["y"])
    with stopped(pid_of(owner)):
        started = time.monotonic()
        resume = resumed(runner, x)
        assert time.monotonic() - started < 5
        assert resume is not None
    assert resume()["y"] == 2
    assert len(engine.connections._idle) == 1
    with stopped(pid_of(owner)):
        assert resumed(runner, x) is not None  # nobody waits for the end of this run
    runner(x, ["y"])
    assert len(engine.connections._idle) == 1


def test_large_inputs_and_outputs_are_not_sent_on_the_event_loop(models: Path, tensorflow: TensorFlow) -> None:
    runner = load(tensorflow, models / "shapes")["any_rank"]
    ones = {"x": np.ones(20_000, np.float32)}
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(runner, ones, ["size"]).result()["size"] == 20_000

    async def run(outputs: list[str]) -> Any:
        return runner({"x": np.broadcast_to(np.float32(1), 4096)}, outputs)

    assert asyncio.run(run(["size"]))["size"] == 4096
    assert resumed(runner, ones, "size") is None  # the run has not begun


def test_a_run_ends_at_its_deadline(models: Path, tensorflow: TensorFlow) -> None:
    runner = load(tensorflow, models / "shapes")["repeat"]

    def run(n: int, seconds: float) -> Any:
        DEADLINE.set(time.monotonic() + seconds)
        return runner({"n": np.array(n)}, ["y"])["y"]

    in_context = contextvars.copy_context().run
    assert in_context(run, 5, 60) == 5
    for seconds in (0.2, -1):
        with pytest.raises(DeadlineExceeded):
            in_context(run, 1 << 60, seconds)
    assert in_context(run, 5, 60) == 5


def test_a_run_on_the_event_loop_ends_at_its_deadline(models: Path, tensorflow: TensorFlow) -> None:
    runner = load(tensorflow, models / "shapes")["repeat"]
    runner({"n": np.array(1)}, ["y"])
    resume = resumed(runner, {"n": np.array(1 << 60)}, seconds=0.2)
    assert resume is not None
    with pytest.raises(DeadlineExceeded):
        resume()


def test_slow_loops_do_not_take_the_threads_of_other_models(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    slow = load(engine, models / "shapes")["repeat"]
    other = load(engine, models / "networks")["loop"]
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores + 2) as pool:
        for _ in range(cores + 1):
            pool.submit(slow, {"n": np.array(1 << 60)}, ["y"])
        try:
            until(lambda: slow_threads(pid_of(owner)) >= cores)
            answer = pool.submit(other, {"x": np.ones((1, 6), np.float32)}, ["y"])
            assert answer.result(30)["y"].tolist() == [[2.0] * 6]
        finally:
            os.kill(pid_of(owner), signal.SIGKILL)  # ends the slow runs


def slow_threads(pid: int) -> int:
    """Returns the number of threads that have used more than 0.1 s of CPU time."""
    ticks = 0.1 * os.sysconf("SC_CLK_TCK")
    stats = [(thread / "stat").read_text().rsplit(")", 1)[1].split() for thread in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int(fields[11]) >= ticks for fields in stats)


def test_a_loop_without_a_deadline_ends(models: Path, tensorflow: TensorFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_runner, "_MAX_LOOP_SECONDS", 0.2)
    with pytest.raises(DeadlineExceeded):
        load(tensorflow, models / "shapes")["repeat"]({"n": np.array(1 << 60)}, ["y"])


def test_a_loop_without_a_client_ends(
    models: Path, tmp_path: Path, tensorflow: TensorFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other runs of the model are repeated, and the TensorFlow process goes on."""
    monkeypatch.setattr(tensorflow_runner, "ABANDONED_SECONDS", 0.05)
    monkeypatch.setattr(tensorflow_runner, "_STEP_SECONDS", 0.05)
    runner = load(tensorflow, Path(shutil.copytree(models / "shapes", tmp_path / "1")))["repeat"]
    number = runner.model.number()  # type: ignore[attr-defined]
    abandoned = threading.Event()
    context = contextvars.copy_context()
    context.run(IS_ABANDONED.set, abandoned.is_set)
    with ThreadPoolExecutor(2) as pool:
        endless = pool.submit(context.run, runner, {"n": np.array(1 << 60)}, ["y"])
        other = pool.submit(runner, {"n": np.array(30_000)}, ["y"])
        time.sleep(0.2)
        assert not endless.done()
        abandoned.set()
        with pytest.raises(Cancelled):
            endless.result(30)
        assert other.result(30)["y"] == 30_000
    assert runner.model.number() != number  # type: ignore[attr-defined]
    runner.close()
