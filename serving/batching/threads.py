"""The threads that run batches, shared by all signatures of a process."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from typing import Protocol


class Job(Protocol):
    """A batch that is to be run."""

    def run(self) -> None:
        """Called in a thread. Raises nothing."""

    def settle(self) -> None:
        """Called on the event loop, once `run` is through."""


class Source(Protocol):
    """Jobs that wait."""

    def is_empty(self) -> bool:
        """Whether there is no job."""

    def take(self) -> Job:
        """The next job, which waits no more. There is one."""


class BatchThreads:
    """Runs jobs as threads become free, those of different sources in turn. For use on one event loop.

    Args:
        count: how many jobs are run at a time.
    """

    def __init__(self, count: int) -> None:
        self._idle = count
        self._line: dict[Source, None] = {}
        self._jobs: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, Job] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"batch-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def offer(self, source: Source) -> None:
        """Takes from `source` as threads become free: at once, where one is."""
        self._line[source] = None
        self._start()

    def close(self) -> None:
        """Ends the threads after what they are running."""
        for _ in self._threads:
            self._jobs.put(None)

    def _start(self) -> None:
        while self._idle and self._line:
            source = next(iter(self._line))
            del self._line[source]
            if source.is_empty():  # its requests were cancelled
                continue
            job = source.take()
            if not source.is_empty():
                self._line[source] = None
            self._idle -= 1
            self._jobs.put((asyncio.get_running_loop(), job))

    def _work(self) -> None:
        while (task := self._jobs.get()) is not None:
            loop, job = task
            job.run()
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._end, job)

    def _end(self, job: Job) -> None:
        self._idle += 1
        self._start()
        job.settle()
