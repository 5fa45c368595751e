"""The queue of a signature, which groups requests into batches as the requests arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from time import perf_counter
from typing import Protocol

from ..config.server_config import DEFAULT_MAX_BATCH_SIZE, BatchingParameters
from ..engines.base import DEADLINE, Arrays
from ..errors import Unavailable
from .assembly import split
from .running import Part

MAX_ENQUEUED_BATCHES = 10


class Batch:
    """Requests with the same batch key (`kind`), in the order of arrival."""

    def __init__(self, kind: Hashable) -> None:
        self.kind = kind
        self.rows = 0
        self.requests: dict[Request, None] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.taken = False


class Request:
    """A part in a batch, with a future for the outputs of the part.

    Attributes:
        deadline: the deadline of the request (`engines.base.DEADLINE`).
    """

    __slots__ = ("answer", "batch", "deadline", "part", "since")

    def __init__(self, part: Part, batch: Batch) -> None:
        self.part = part
        self.batch = batch
        self.answer: asyncio.Future[Arrays] = asyncio.get_running_loop().create_future()
        self.since = perf_counter()
        self.deadline = DEADLINE.get()


class Awaited(Protocol):
    """A request whose outputs are awaited."""

    answer: asyncio.Future[Arrays]


def settle(requests: Iterable[Awaited], answers: Iterable[Arrays | BaseException]) -> None:
    """Gives each request its outputs or its error, in order. Skips cancelled requests."""
    for request, answer in zip(requests, answers, strict=True):
        if request.answer.done():  # cancelled
            continue
        if isinstance(answer, BaseException):
            request.answer.set_exception(answer)
        else:
            request.answer.set_result(answer)


class BatchQueue:
    """The waiting batches of one signature. Use it on one event loop only.

    Args:
        parameters: the batching parameters.
        on_ready: called when a batch is ready, which means that the batch waits only for a thread.
    """

    def __init__(self, parameters: BatchingParameters, on_ready: Callable[[], None]) -> None:
        self._on_ready = on_ready
        self._splits = bool(parameters.enable_large_batch_splitting)
        self._max_rows = parameters.max_batch_size or DEFAULT_MAX_BATCH_SIZE
        if self._splits:
            self._max_rows = parameters.max_execution_batch_size or self._max_rows
        most = parameters.max_enqueued_batches
        self._max_batches = MAX_ENQUEUED_BATCHES if most is None else max(most, 1)
        self._timeout = (parameters.batch_timeout_micros or 0) / 1e6
        self._open: dict[Hashable, Batch] = {}  # batches that further requests can join, by batch key
        self._ready: dict[Batch, None] = {}  # batches that wait for a thread; a ready batch can also be open
        self._rows = 0  # rows of all waiting requests; the limit also applies to empty requests: each counts as one row

    def is_empty(self) -> bool:
        """Returns whether no batch is ready."""
        return not self._ready

    def put(self, part: Part, kind: Hashable | None) -> list[Request]:
        """Adds a request to the queue.

        If splitting is enabled, a request that does not fit into the open batch is split into several parts. Returns
        the queued request, or its parts.

        Args:
            part: the request.
            kind: the batch key; None if this request must run alone.

        Raises:
            Unavailable: the queue is full.
        """
        batch = self._open.get(kind)
        filled = batch.rows if batch else 0
        self._check_capacity(part.rows, filled)
        if not self._splits or kind is None or filled + part.rows <= self._max_rows:
            return [self._add(part, kind)]
        sizes = _sizes(part.rows, self._max_rows - filled, self._max_rows)
        return [
            self._add(Part(arrays, part.outputs, rows, part.strict), kind)
            for arrays, rows in zip(split(part.arrays, sizes), sizes, strict=True)
        ]

    def take(self) -> Batch:
        """Removes and returns the batch that has been ready the longest."""
        batch = next(iter(self._ready))
        self._drop(batch)
        batch.taken = True
        return batch

    def remove(self, request: Request) -> None:
        """Removes a request from the queue, unless `take` has returned the request's batch."""
        batch = request.batch
        if not batch.taken:
            del batch.requests[request]
            batch.rows -= request.part.rows
            self._rows -= max(request.part.rows, 1)
            if not batch.requests:
                self._drop(batch)

    def _check_capacity(self, rows: int, filled: int) -> None:
        """Raises Unavailable, with TensorFlow Serving's message, if `rows` more rows do not fit into the queue."""
        capacity = self._max_batches * self._max_rows - self._rows
        if max(rows, 1) <= capacity:
            return
        batches = len(self._ready.keys() | self._open.values())
        state = f"currently {batches} batches enqueued and max_enqueued_batches is {self._max_batches}"
        if self._splits:
            state = (
                f"task size is {rows} but scheduling capacity is only {capacity} (num_enqueued_batches={batches}, "
                f"max_enqueued_batches={self._max_batches}, open_batch_size={filled}, "
                f"max_execution_batch_size={self._max_rows})"
            )
        raise Unavailable(f"The batch scheduling queue to which this task was submitted is full; {state}")

    def _add(self, part: Part, kind: Hashable | None) -> Request:
        batch = self._open.get(kind)
        if batch is None or kind is None or batch.rows + part.rows > self._max_rows:
            if batch is not None:
                self._make_ready(batch)
            batch = self._open[kind] = Batch(kind)
            if self._timeout:
                batch.timer = asyncio.get_running_loop().call_later(self._timeout, self._make_ready, batch)
        request = Request(part, batch)
        batch.requests[request] = None
        batch.rows += part.rows
        self._rows += max(part.rows, 1)
        if not self._timeout or kind is None or batch.rows >= self._max_rows:
            self._make_ready(batch)
        return request

    def _make_ready(self, batch: Batch) -> None:
        self._ready[batch] = None
        self._on_ready()

    def _drop(self, batch: Batch) -> None:
        self._ready.pop(batch, None)
        if self._open.get(batch.kind) is batch:
            del self._open[batch.kind]
        if batch.timer:
            batch.timer.cancel()
        self._rows -= sum(max(request.part.rows, 1) for request in batch.requests)


def _sizes(rows: int, first: int, most: int) -> list[int]:
    """Splits `rows` into parts: up to `first` rows, then up to `most` rows in each further part. No part is empty."""
    stops = [*range(first or most, rows, most), rows]
    return [stop - start for start, stop in zip([0, *stops], stops, strict=False)]
