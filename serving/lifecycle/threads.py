"""Runs jobs in a limited number of threads, and does not let a job that hangs stop the other jobs."""

from __future__ import annotations

import _thread
import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0  # pause before another try if the system allows no more threads


NO_THREAD = RuntimeError, MemoryError  # what Python raises if the system allows no more threads


def start_thread(function: Callable[..., None], *arguments: Any) -> None:
    """Runs a function in a daemon thread. Raises an error in `NO_THREAD` if the system allows no more threads.

    `threading.Thread.start` also waits until the thread runs. If there is no memory, it waits forever.
    """
    _thread.start_new_thread(function, arguments)


class Threads:
    """Runs jobs in daemon threads.

    Args:
        name: the name of the jobs in the log.
        count: how many jobs run in parallel.
        patience: seconds after which a job no longer counts, so that another job can start.
    """

    def __init__(self, name: str, count: int, patience: float = math.inf) -> None:
        self._name, self._count, self._patience = name, count, patience
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._running: dict[int, float] = {}  # the start of each running job, on the clock of `time.monotonic`
        self._numbers = itertools.count()
        self._closed = False
        threading.Thread(target=self._dispatch, name=f"{name} jobs", daemon=True).start()

    def submit(self, job: Callable[..., None], *arguments: Any) -> None:
        """Runs a job in a thread as soon as fewer than `count` jobs are running. Does nothing after `close`."""
        with self._changed:
            if not self._closed:
                self._waiting.append((job, arguments))
                self._changed.notify_all()

    def close(self, timeout: float, *, drop: bool = False) -> None:
        """Waits until all jobs are done, but at most `timeout` seconds. With `drop`, drops the jobs not yet started."""
        with self._changed:
            self._closed = True
            if drop:
                self._waiting.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting and not self._running, timeout)

    def _dispatch(self) -> None:
        while True:
            with self._changed:
                while not self._waiting or self._seconds_until_room() > 0:
                    if self._closed and not self._waiting:
                        return
                    seconds = self._seconds_until_room() if self._waiting else math.inf
                    self._changed.wait(None if seconds == math.inf else seconds)
                number, job, arguments = self._next()
            self._start(number, job, arguments)

    def _next(self) -> tuple[int, Callable[..., None], tuple[Any, ...]]:
        """Returns the next job and its number, and notes that it runs. Call it with the lock held."""
        number = next(self._numbers)
        self._running[number] = time.monotonic()
        return number, *self._waiting.popleft()

    def _seconds_until_room(self) -> float:
        """Returns the time until another job may start if no running job ends. Call it with the lock held."""
        now = time.monotonic()
        left = sorted(seconds for start in self._running.values() if (seconds := start + self._patience - now) > 0)
        return left[-self._count] if len(left) >= self._count else 0.0

    def _start(self, number: int, job: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        while True:
            try:
                start_thread(self._run, number, job, arguments)
                return
            except NO_THREAD as error:
                log.error("cannot start a thread, trying again: %s", error)
                time.sleep(RETRY_SECONDS)

    def _run(self, number: int, job: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Runs a job, and then further jobs that wait."""
        while True:
            try:
                job(*arguments)
            except Exception:  # a bug in one job must not stop the other jobs
                log.exception("a job failed: %s", self._name)
            with self._changed:
                del self._running[number]
                self._changed.notify_all()
                if not self._waiting or self._seconds_until_room() > 0:
                    return
                number, job, arguments = self._next()
