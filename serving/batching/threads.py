"""The thread pool that runs batches. All signatures of a process share this thread pool."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import weakref
from collections import Counter
from typing import Protocol


class Job(Protocol):
    """A batch to run."""

    def run(self) -> None:
        """Called in a thread. Must not raise."""

    def finish(self) -> None:
        """Called on the event loop after `run`."""


class Source(Protocol):
    """A queue of jobs."""

    def is_empty(self) -> bool:
        """Returns whether no job waits."""

    def take(self) -> Job:
        """Removes and returns the next job. Called only if the source is not empty."""


class BatchThreads:
    """Runs the jobs of several sources in threads, one job from each source in turn. Use it on one event loop only.

    If there are several sources, the last idle thread is for sources without a running job, so that a slow model does
    not stop the others.

    Args:
        count: the number of threads.
    """

    def __init__(self, count: int) -> None:
        self._idle = count
        self._sources: dict[Source, None] = {}  # with waiting jobs
        self._known: weakref.WeakSet[Source] = weakref.WeakSet()
        self._running: Counter[Source] = Counter()  # number of running jobs
        self._jobs: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, Source, Job] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"batch-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def schedule(self, source: Source) -> None:
        """Runs the jobs of `source` as threads become free."""
        self._known.add(source)
        self._sources[source] = None
        self._start()

    def close(self) -> None:
        """Ends the threads after their current jobs."""
        for _ in self._threads:
            self._jobs.put(None)

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
            self._jobs.put((asyncio.get_running_loop(), source, job))

    def _next(self) -> Source | None:
        """Returns the first source that may start a job."""
        for source in self._sources:
            if self._idle > 1 or source not in self._running or len(self._known) == 1:
                return source
        return None

    def _work(self) -> None:
        while (task := self._jobs.get()) is not None:
            loop, source, job = task
            job.run()
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                loop.call_soon_threadsafe(self._end, source, job)
            del task, source, job  # frees the arrays and the model

    def _end(self, source: Source, job: Job) -> None:
        self._idle += 1
        self._running[source] -= 1
        if not self._running[source]:
            del self._running[source]
        self._start()
        job.finish()
