"""The threads that run batches. Each version of a model has its own threads."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from ..errors import Unavailable
from ..fair_threads import submit


class Job(Protocol):
    """A batch to run."""

    def run(self) -> None:
        """Called in a thread. Must not raise."""

    def fail(self, error: Exception) -> None:
        """Called on the event loop instead of `run` if no thread can be started."""

    def finish(self) -> None:
        """Called on the event loop after `run` or `fail`."""


class Source(Protocol):
    """A queue of jobs."""

    def is_empty(self) -> bool:
        """Returns whether no job waits."""

    def take(self) -> Job:
        """Removes and returns the next job. Called only if the source is not empty."""


class BatchThreads:
    """Runs the jobs of several sources in threads, one job from each source in turn. Use it on one event loop only.

    If there are several sources, the last idle thread is for sources without a running job, so that a slow signature
    does not stop the others.

    Args:
        count: the maximum number of jobs that run at the same time.
        pool: runs the jobs. It needs `count` threads for each `BatchThreads` that shares it. Otherwise the sources of
            one could stop the sources of another.
    """

    def __init__(self, count: int, pool: ThreadPoolExecutor) -> None:
        self._idle = count
        self._pool = pool
        self._sources: dict[Source, None] = {}  # with waiting jobs
        self._known: weakref.WeakSet[Source] = weakref.WeakSet()
        self._running: Counter[Source] = Counter()  # number of running jobs

    def schedule(self, source: Source) -> None:
        """Runs the jobs of `source` as threads become free."""
        self._known.add(source)
        self._sources[source] = None
        self._start()

    def _start(self) -> None:
        while self._idle and (source := self._next()):
            del self._sources[source]
            if source.is_empty():  # all requests of the source were cancelled
                continue
            job = source.take()
            if not source.is_empty():
                self._sources[source] = None
            self._idle -= 1
            self._running[source] += 1
            self._submit(asyncio.get_running_loop(), source, job)

    def _next(self) -> Source | None:
        """Returns the first source that may start a job."""
        for source in self._sources:
            if self._idle > 1 or source not in self._running or len(self._known) == 1:
                return source
        return None

    def _submit(self, loop: asyncio.AbstractEventLoop, source: Source, job: Job) -> None:
        def run() -> None:
            job.run()
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                loop.call_soon_threadsafe(self._end, source, job)

        try:
            submit(self._pool, run)
        except Unavailable as error:
            job.fail(error)
            loop.call_soon(self._end, source, job)

    def _end(self, source: Source, job: Job) -> None:
        self._idle += 1
        self._running[source] -= 1
        if not self._running[source]:
            del self._running[source]
        self._start()
        job.finish()
