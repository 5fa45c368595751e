"""Kills a child process, and the processes that it has started, after a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def killed_after(seconds: float, child: Callable[[], subprocess.Popen[Any] | None]) -> Iterator[threading.Event]:
    """Kills a child process after `seconds`, unless the block ends earlier. Yields the event that this has happened.

    Args:
        seconds: the time limit.
        child: returns the child process, which leads its own session, or None if there is no child process.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        kill(child())

    timer = threading.Timer(seconds, expire)
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()


def kill(child: subprocess.Popen[Any] | None) -> None:
    """Kills a process that leads its own session, and the processes that it has started."""
    if child is not None and child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
