"""The thread pool that runs batches. All signatures of a process share this thread pool."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
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

    Args:
        count: the number of threads.
    """

    def __init__(self, count: int) -> None:
        self._idle = count
        self._sources: dict[Source, None] = {}
        self._jobs: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, Job] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"batch-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def schedule(self, source: Source) -> None:
        """Runs the jobs of `source` as threads become free."""
        self._sources[source] = None
        self._start()

    def close(self) -> None:
        """Ends the threads after their current jobs."""
        for _ in self._threads:
            self._jobs.put(None)

    def _start(self) -> None:
        while self._idle and self._sources:
            source = next(iter(self._sources))
            del self._sources[source]
            if source.is_empty():  # all requests of the source were cancelled
                continue
            job = source.take()
            if not source.is_empty():
                self._sources[source] = None
            self._idle -= 1
            self._jobs.put((asyncio.get_running_loop(), job))

    def _work(self) -> None:
        while (task := self._jobs.get()) is not None:
            loop, job = task
            job.run()
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                loop.call_soon_threadsafe(self._end, job)

    def _end(self, job: Job) -> None:
        self._idle += 1
        self._start()
        job.finish()
