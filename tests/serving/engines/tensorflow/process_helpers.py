"""Helpers of the tests of the TensorFlow process."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from keras_gallery.serving.engines.base import DEADLINE, Arrays, Runner, WouldBlock
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.saved_model import read_signatures

from .... import waiting

until = partial(waiting.until, seconds=60, pause=0.01)


def load(engine: TensorFlow, folder: Path, tags: tuple[str, ...] = ("serve",)) -> dict[str, Runner]:
    return engine.load(folder, read_signatures(folder, tags))


def pid_of(owner: TensorFlowProcess) -> int:
    assert owner._process is not None
    return owner._process.pid


def stop(pid: int) -> None:
    """Stops a process, and waits until all its threads have stopped."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: all(state_of(thread) == "T" for thread in Path(f"/proc/{pid}/task").iterdir()))


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stops a process during the block."""
    stop(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def resumed(runner: Runner, x: Any, output: str = "y", seconds: float = math.inf) -> Callable[[], Arrays] | None:
    """Runs a signature on the event loop. Returns the attribute `resume` of the WouldBlock that the runner raises."""

    async def run_on_event_loop() -> Callable[[], Arrays] | None:
        DEADLINE.set(time.monotonic() + seconds)
        try:
            runner(x, [output])
        except WouldBlock as blocked:
            return blocked.resume
        raise AssertionError("not blocked")

    return asyncio.run(run_on_event_loop())


def state_of(process: Path) -> str:
    """Returns the state of a process or thread, such as "T" for stopped, from its folder in /proc."""
    return (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
