"""The requests for one signature that wait to be run, sorted into batches as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from time import perf_counter

from ..config.server_config import DEFAULT_MAX_BATCH_SIZE, BatchingParameters
from ..engines.base import Arrays
from ..errors import Unavailable
from .assembly import split
from .running import Part

MAX_ENQUEUED_BATCHES = 10


class Batch:
    """Requests of one kind, in the order of their coming."""

    def __init__(self, kind: Hashable) -> None:
        self.kind = kind
        self.rows = 0
        self.requests: dict[Request, None] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.taken = False


class Request:
    """A part of a batch, and the answer that is awaited."""

    __slots__ = ("answer", "batch", "part", "since")

    def __init__(self, part: Part, batch: Batch) -> None:
        self.part = part
        self.batch = batch
        self.answer: asyncio.Future[Arrays] = asyncio.get_running_loop().create_future()
        self.since = perf_counter()


class BatchQueue:
    """Batches that wait. For use on one event loop.

    Args:
        parameters: sizes and times.
        on_ready: called when a batch has only to wait for a thread.
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
        self._open: dict[Hashable, Batch] = {}  # those that take more requests, by kind
        self._ready: dict[Batch, None] = {}  # those that wait for a thread; they may be open all the same
        self._rows = 0  # of all that wait; an empty request counts as one row, so that it has its limit, too

    def is_empty(self) -> bool:
        """Whether no batch is ready."""
        return not self._ready

    def put(self, part: Part, kind: Hashable | None) -> list[Request]:
        """Lets a request wait: as it is, or in several parts where it is to be split.

        Args:
            kind: what it has in common with those that it can be joined with; None where there can be none.

        Raises:
            Unavailable: too many wait already.
        """
        batch = self._open.get(kind)
        filled = batch.rows if batch else 0
        self._check_room(part.rows, filled)
        if not self._splits or kind is None or filled + part.rows <= self._max_rows:
            return [self._add(part, kind)]
        sizes = _sizes(part.rows, self._max_rows - filled, self._max_rows)
        return [
            self._add(Part(arrays, part.outputs, rows, part.strict), kind)
            for arrays, rows in zip(split(part.arrays, sizes), sizes, strict=True)
        ]

    def take(self) -> Batch:
        """The batch that has been ready for longest."""
        batch = next(iter(self._ready))
        self._drop(batch)
        batch.taken = True
        return batch

    def leave(self, request: Request) -> None:
        """Takes a request out, if it still waits."""
        batch = request.batch
        if not batch.taken:
            del batch.requests[request]
            batch.rows -= request.part.rows
            self._rows -= max(request.part.rows, 1)
            if not batch.requests:
                self._drop(batch)

    def _check_room(self, rows: int, filled: int) -> None:
        room = self._max_batches * self._max_rows - self._rows
        if max(rows, 1) <= room:
            return
        batches = len(self._ready.keys() | self._open.values())
        state = f"currently {batches} batches enqueued and max_enqueued_batches is {self._max_batches}"
        if self._splits:
            state = (
                f"task size is {rows} but scheduling capacity is only {room} (num_enqueued_batches={batches}, "
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
    """`rows` in parts: up to `first` in the first, up to `most` in each of the others, and none empty."""
    stops = [*range(first or most, rows, most), rows]
    return [stop - start for start, stop in zip([0, *stops], stops, strict=False)]
