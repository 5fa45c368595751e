"""Runs the requests that are there as one batch, without waiting for further requests.

A run reads all weights of the model. For small requests, this takes longer than the computation, so one run for sixteen
requests takes hardly longer than a run for one request. This needs a signature whose rows do not depend on each other:
the conversion has checked that a batch gives the same outputs as its rows alone (`engines/openvino/comparison.py`).

`--enable_batching` replaces this by TensorFlow Serving's batching (`batcher.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import numpy as np

from ..engines.base import DEADLINE, MAX_JOINED_BYTES, MAX_JOINED_ROWS, Arrays, WouldBlock, bytes_of
from .assembly import split
from .queue import settle

Submit = Callable[..., Future[Any]]


class Gatherable(Protocol):
    """A loaded signature.

    Attributes:
        quick_bytes: runs with at most this many bytes of inputs are short enough for the event loop.
    """

    quick_bytes: int

    def can_join(self, inputs: Arrays) -> bool:
        """Returns whether requests may share a run with these joined inputs."""

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature on checked inputs and returns the named outputs."""


class _Request:
    """A request that waits for its outputs.

    Attributes:
        key: requests with equal keys can share a run: the names of the outputs and the shapes without dimension 0. None
            if the inputs have no common dimension 0, so that the request must run alone.
    """

    __slots__ = ("answer", "arrays", "batch_rows", "deadline", "key", "outputs", "rows", "size")

    def __init__(self, arrays: Arrays, outputs: Sequence[str], deadline: float, answer: asyncio.Future[Arrays]) -> None:
        self.arrays, self.outputs, self.deadline, self.answer = arrays, outputs, deadline, answer
        self.size = bytes_of(arrays)
        self.batch_rows = 0
        shapes = [array.shape for array in arrays.values()]
        self.rows: int = shapes[0][0] if shapes and shapes[0] else 0
        self.key: tuple[Any, ...] | None = (tuple(outputs), *[shape[1:] for shape in shapes])
        if not self.rows or len(shapes) > 1 and any(shape[:1] != (self.rows,) for shape in shapes):
            self.key = None


class Gatherer:
    """Runs the requests for one signature. Use it on one event loop only.

    Requests that are small enough run on the event loop: all requests that arrived in the same turn of the loop run
    together. Larger requests run in a thread: the requests that arrive during a run share the next run.

    Args:
        signature: the signature. Its rows must not depend on each other.
        parallel: maximum number of runs in threads at the same time.
    """

    def __init__(self, signature: Gatherable, parallel: int = 1) -> None:
        self._signature = signature
        self._idle = parallel
        self._arrived: list[_Request] = []  # in this turn of the event loop
        self._large: deque[_Request] = deque()  # wait for a thread

    async def run(
        self, arrays: Arrays, outputs: Sequence[str], submit: Submit, deadline: float = math.inf
    ) -> tuple[Arrays, int]:
        """Runs a request.

        Args:
            arrays: the inputs, with checked names and dtypes.
            outputs: the names of the outputs.
            submit: calls a function in a thread, and keeps the model loaded meanwhile.
            deadline: the time (`time.monotonic`) after which nobody waits for the outputs.

        Returns:
            the outputs by name, and the number of rows of the run if other requests shared it, otherwise 0.

        Raises:
            Exception: any error of the signature.
        """
        loop = asyncio.get_running_loop()
        request = _Request(arrays, outputs, deadline, loop.create_future())
        self._arrived.append(request)
        if len(self._arrived) == 1:
            loop.call_soon(self._run_arrived, submit)
        return await request.answer, request.batch_rows

    def _run_arrived(self, submit: Submit) -> None:
        """Runs a batch of small requests. Hands large requests to the threads."""
        requests, self._arrived = self._arrived, []
        small = []
        for request in requests:
            if request.size <= self._signature.quick_bytes:
                small.append(request)
            else:
                self._large.append(request)
        # A batch of twice the size that is known to be quick shows whether this size is quick, too.
        batch = next(_batches(small, min(2 * self._signature.quick_bytes, MAX_JOINED_BYTES)), [])
        if batch:
            try:
                settle(batch, self._run(batch))
            except WouldBlock:
                self._large.extend(batch)
            taken = set(batch)
            self._arrived = [each for each in small if each not in taken and not each.answer.done()]
        if self._arrived:  # other tasks of the event loop run before the next batch
            asyncio.get_running_loop().call_soon(self._run_arrived, submit)
        self._run_large(submit)

    def _run_large(self, submit: Submit) -> None:
        """Starts runs in threads, as long as threads are free for this signature."""
        while self._idle and self._large:
            requests = list(self._large)
            batch = next(_batches(requests, MAX_JOINED_BYTES), [])
            taken = set(batch)
            self._large = deque(each for each in requests if each not in taken and not each.answer.done())
            if not batch:
                continue
            try:
                running = submit(self._run, batch, True)
            except Exception as error:  # for example, no thread can be started
                settle(batch, [error] * len(batch))
                continue
            self._idle -= 1
            self._watch(batch, running, submit)

    def _watch(self, batch: list[_Request], running: Future[Any], submit: Submit) -> None:
        """Calls `_finish` on the event loop when the run has ended."""
        loop = asyncio.get_running_loop()

        def ended(done: Future[Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the event loop has ended
                loop.call_soon_threadsafe(self._finish, batch, done, submit)

        running.add_done_callback(ended)

    def _finish(self, batch: list[_Request], done: Future[list[Arrays | Exception]], submit: Submit) -> None:
        self._idle += 1
        error = done.exception() if not done.cancelled() else asyncio.CancelledError()
        settle(batch, [error] * len(batch) if error else done.result())
        self._run_large(submit)

    # === Runs, on the event loop or in a thread ===

    def _run(self, batch: Sequence[_Request], in_thread: bool = False) -> list[Arrays | Exception]:
        """Returns the outputs or the error of each request."""
        if len(batch) > 1:
            outputs = self._run_together(batch)
            if outputs is not None:
                return outputs
        return [self._run_alone(request, in_thread) for request in batch]

    def _run_together(self, batch: Sequence[_Request]) -> list[Arrays | Exception] | None:
        """Returns the outputs of each request, as views. Returns None if each request has to run alone."""
        joined = {name: np.concatenate([request.arrays[name] for request in batch]) for name in batch[0].arrays}
        if not self._signature.can_join(joined):  # for example NaN in one request
            return None
        rows = sum(request.rows for request in batch)
        try:
            outputs = self._signature.run(joined, batch[0].outputs)
        except WouldBlock:
            raise
        except Exception:  # the error of one request must not reach the others
            return None
        if any(not array.ndim or len(array) != rows for array in outputs.values()):
            return None
        for request in batch:
            request.batch_rows = rows
        return [*split(outputs, [request.rows for request in batch])]

    def _run_alone(self, request: _Request, in_thread: bool) -> Arrays | Exception:
        if in_thread:  # only here, OpenVINO may pass the request to TensorFlow, which needs the deadline
            DEADLINE.set(request.deadline)
        try:
            return self._signature.run(request.arrays, request.outputs)
        except WouldBlock:
            raise
        except Exception as error:
            return error


def _batches(requests: Iterable[_Request], max_bytes: int) -> Iterator[list[_Request]]:
    """Groups requests that can share a run, in the order of arrival. A single request may have any size."""
    waiting = [request for request in requests if not request.answer.done()]
    while waiting:
        first = waiting[0]
        batch, others = [first], []
        rows, size = first.rows, first.size
        for request in waiting[1:]:
            fits = rows + request.rows <= MAX_JOINED_ROWS and size + request.size <= max_bytes
            if first.key is not None and request.key == first.key and fits:
                batch.append(request)
                rows, size = rows + request.rows, size + request.size
            else:
                others.append(request)
        waiting = others
        yield batch
