"""Runs requests for one signature in batches.

Without a batch timeout, no request waits while a thread is idle: requests that arrive while all threads are busy form
the next batch. With a batch timeout, a request waits up to this time for further requests, as in TensorFlow Serving.
The error messages are TensorFlow Serving's.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from ..config.server_config import BatchingParameters
from ..engines.base import DEADLINE, Arrays, WouldBlock
from .assembly import join
from .queue import Batch, BatchQueue, settle
from .running import BatchRunner, Part, Runnable
from .threads import BatchThreads

# After PROBE_AFTER runs on the event loop, one request runs in a thread. If other requests arrive meanwhile, they can
# form a batch. If the shortest run on the event loop took less than WORTH_A_THREAD_SECONDS, a batch would not save
# time, and all runs stay on the event loop.
PROBE_AFTER = 64
WORTH_A_THREAD_SECONDS = 0.0003

Observe = Callable[[Sequence[float], int, int], None]


class Owner(Protocol):
    """The servable of a signature. The servable stays loaded between `acquire` and `release`."""

    def acquire(self) -> bool: ...

    def release(self) -> None: ...


class Batcher:
    """Batches the requests for one signature. Use it on one event loop only.

    Args:
        signature: the signature to run.
        owner: the servable of the signature. The servable stays loaded during each run. A run continues even if all
            requests in the batch are cancelled.
        parameters: the batching parameters.
        threads: the threads of the version, which run the batches.
        observe: called for each run with the waiting times of the requests in seconds, the number of rows without
            padding, and the number of rows with padding.
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
        self._queue = BatchQueue(parameters, lambda: threads.schedule(self))
        self._observe = observe
        self._waits = bool(parameters.batch_timeout_micros)
        self._running = 0  # number of batches in threads
        self._crowded = False  # whether requests arrived while a batch was in a thread
        self._inline_runs = 0  # number of runs on the event loop since the last probe
        # Duration of the shortest of these runs, in seconds. The longer runs may have been interrupted.
        self._shortest = math.inf

    async def run(self, arrays: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs a request and returns the named outputs.

        Args:
            arrays: the inputs, with checked names and dtypes.
            outputs: the names of the outputs.

        Raises:
            InvalidArgument: the inputs differ in dimension 0, or they have too many rows.
            FailedPrecondition: an output does not have a row for each row of the inputs.
            Unavailable: the queue is full.
            WouldBlock: the run has begun, and it would block the event loop. `resume` is not None.
            Exception: any error of the signature.

        A request for only some of the outputs does not raise the first two errors. Such a request runs alone instead.
        """
        part = self._runner.part(arrays, outputs)
        if self._may_run_inline(part):
            try:
                return self._run_inline(part)
            except WouldBlock as blocked:
                if blocked.resume is not None:  # the run has begun
                    raise WouldBlock(functools.partial(self._runner.resume, part, blocked.resume)) from None
        self._crowded |= self._running > 0
        requests = self._queue.put(part, self._runner.kind(part))
        try:
            if len(requests) == 1:
                return await requests[0].answer
            answers = await asyncio.gather(*(request.answer for request in requests))
            return join(answers, part.rows)
        finally:
            for request in requests:
                self._queue.remove(request)

    def is_empty(self) -> bool:
        """Returns whether no batch is ready."""
        return self._queue.is_empty()

    def take(self) -> _Run:
        """Takes the next batch to run from the queue."""
        batch = self._queue.take()
        if not self._running:
            self._crowded = False  # becomes True if a request arrives during this run
        self._running += 1
        self._owner.acquire()
        parts = [request.part for request in batch.requests]
        now = perf_counter()
        self._report([now - request.since for request in batch.requests], parts)
        return _Run(self, batch, parts, max([request.deadline for request in batch.requests]))

    def answer(self, parts: Sequence[Part]) -> list[Arrays | Exception]:
        """Returns the outputs or the error for each part. Called in a thread."""
        try:
            return self._runner.run_all(parts)
        except Exception as error:  # each request gets this error, for example MemoryError
            return [error] * len(parts)

    def finished(self) -> None:
        """Called on the event loop when a batch has been run."""
        self._running -= 1
        self._owner.release()

    def _may_run_inline(self, part: Part) -> bool:
        """Returns whether to run a request at once on the event loop, without batching."""
        if self._waits or self._running or self._crowded or not self._queue.is_empty():
            return False
        if not self._runner.is_quick(part):
            return False
        if self._inline_runs < PROBE_AFTER:
            return True
        is_short = self._shortest < WORTH_A_THREAD_SECONDS
        self._inline_runs, self._shortest = 0, math.inf
        return is_short

    def _run_inline(self, part: Part) -> Arrays:
        started = perf_counter()
        answer = self._runner.run_one(part)
        self._inline_runs += 1
        self._shortest = min(self._shortest, perf_counter() - started)
        self._report([0.0], [part])
        return answer

    def _report(self, waits: Sequence[float], parts: Sequence[Part]) -> None:
        if self._observe:
            self._observe(waits, sum(part.rows for part in parts), self._runner.size(parts))


class _Run:
    """A batch in a thread."""

    def __init__(self, batcher: Batcher, batch: Batch, parts: Sequence[Part], deadline: float) -> None:
        self._batcher = batcher
        self._batch = batch
        self._parts = parts
        self._deadline = deadline
        self._answers: list[Arrays | Exception] = []

    def run(self) -> None:
        DEADLINE.set(self._deadline)
        self._answers = self._batcher.answer(self._parts)

    def fail(self, error: Exception) -> None:
        self._answers = [error] * len(self._parts)

    def finish(self) -> None:
        self._batcher.finished()
        settle(self._batch.requests, self._answers)
