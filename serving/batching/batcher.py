"""Runs requests that come together as one batch.

Without a timeout a request never waits while a thread is idle: batches form of what comes while others are being run.
With one, a request waits that long for others, as in TensorFlow Serving. The words of the errors are its own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from ..config.server_config import BatchingParameters
from ..engines.base import Arrays, WouldBlock
from .assembly import join
from .queue import Batch, BatchQueue
from .running import BatchRunner, Part, Runnable
from .threads import BatchThreads

# A run this long is worth a thread, if others can be expected to come meanwhile and make a batch.
WORTH_A_THREAD_SECONDS = 0.0003
# After so many such runs on the event loop, a request is run in a thread, to see whether others come meanwhile.
PROBE_AFTER = 64

Observe = Callable[[Sequence[float], int, int], None]


class Owner(Protocol):
    """What a signature belongs to: a servable, which is not closed while it is in use."""

    def acquire(self) -> bool: ...

    def release(self) -> None: ...


class Batcher:
    """Batches the requests for one signature. For use on one event loop.

    Args:
        signature: what to run.
        owner: kept open during a run, which goes on even if all its requests are cancelled.
        parameters: sizes and times.
        threads: where batches are run.
        observe: called with each run's times in seconds that its requests have waited, its rows, and the rows that it
            has with padding.
    """

    def __init__(
        self,
        signature: Runnable,
        owner: Owner,
        parameters: BatchingParameters,
        threads: BatchThreads,
        observe: Observe | None = None,
    ) -> None:
        self._owner = owner
        self._runner = BatchRunner(signature, parameters)
        self._queue = BatchQueue(parameters, lambda: threads.offer(self))
        self._observe = observe
        self._waits = bool(parameters.batch_timeout_micros)
        self._running = 0  # batches in threads
        self._crowded = False  # whether requests come while others are being run
        self._runs_here = 0
        self._shortest = math.inf  # of these, in seconds; the others may have been interrupted

    async def run(self, arrays: Arrays, outputs: Sequence[str]) -> Arrays:
        """The named outputs for `arrays`, which have passed the checks of names and dtypes.

        Raises:
            InvalidArgument: the inputs do not share dimension 0, or there are too many rows.
            FailedPrecondition: an output does not have a row for each row of the inputs.
            Unavailable: too many requests wait.
            Exception: whatever the signature raises.
        """
        part = self._runner.part(arrays, outputs)
        if self._may_run_here(part):
            try:
                return self._run_here(part)
            except WouldBlock:
                pass
        self._crowded |= self._running > 0
        requests = self._queue.put(part, self._runner.kind(part))
        try:
            if len(requests) == 1:
                return await requests[0].answer
            answers = await asyncio.gather(*(request.answer for request in requests))
            return join(answers, part.rows)
        finally:
            for request in requests:
                self._queue.leave(request)

    def is_empty(self) -> bool:
        """Whether no batch is ready."""
        return self._queue.is_empty()

    def take(self) -> _Run:
        """The next batch to run."""
        batch = self._queue.take()
        if not self._running:
            self._crowded = False  # until another one comes during this run
        self._running += 1
        self._owner.acquire()
        parts = [request.part for request in batch.requests]
        now = perf_counter()
        self._report([now - request.since for request in batch.requests], parts)
        return _Run(self, batch, parts)

    def answer(self, parts: Sequence[Part]) -> list[Arrays | Exception]:
        """For each part its answer or its error; for use in a thread."""
        try:
            return self._runner.run_all(parts)
        except Exception as error:  # the engine's, or for lack of memory: whatever it is, the requests get to know
            return [error] * len(parts)

    def settled(self) -> None:
        """Takes note that a batch that was taken is through."""
        self._running -= 1
        self._owner.release()

    def _may_run_here(self, part: Part) -> bool:
        """Whether to run a request on the event loop, where no other can join it."""
        if self._waits or self._running or self._crowded or not self._queue.is_empty():
            return False
        if not self._runner.is_quick(part):
            return False
        if self._runs_here < PROBE_AFTER:
            return True
        is_short = self._shortest < WORTH_A_THREAD_SECONDS
        self._runs_here, self._shortest = 0, math.inf
        return is_short

    def _run_here(self, part: Part) -> Arrays:
        started = perf_counter()
        answer = self._runner.run_one(part)
        self._runs_here += 1
        self._shortest = min(self._shortest, perf_counter() - started)
        self._report([0.0], [part])
        return answer

    def _report(self, waited: Sequence[float], parts: Sequence[Part]) -> None:
        if self._observe:
            self._observe(waited, sum(part.rows for part in parts), self._runner.size(parts))


class _Run:
    """A batch in a thread."""

    def __init__(self, batcher: Batcher, batch: Batch, parts: Sequence[Part]) -> None:
        self._batcher = batcher
        self._batch = batch
        self._parts = parts
        self._answers: list[Arrays | Exception] = []

    def run(self) -> None:
        self._answers = self._batcher.answer(self._parts)

    def settle(self) -> None:
        self._batcher.settled()
        for request, answer in zip(self._batch.requests, self._answers, strict=True):
            if request.answer.done():  # cancelled
                continue
            if isinstance(answer, Exception):
                request.answer.set_exception(answer)
            else:
                request.answer.set_result(answer)
