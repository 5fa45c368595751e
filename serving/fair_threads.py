"""Runs functions that take long next to the event loop, such as decoding a large message, in a few threads."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .errors import Unavailable

# More threads would take more memory, but hardly less time, because Python runs one thread at a time.
THREADS = 3
NO_THREAD = "The server cannot start a thread for this request. Retry later."


def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Calls a function in a thread of `pool`. Returns its future result.

    Raises Unavailable if no thread can be started. The function is then never called, although the pool keeps it.
    """
    future: Future[Any] = Future()

    def call() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = function(*arguments)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        pool.submit(call)
    except RuntimeError:
        if future.cancel():
            raise Unavailable(NO_THREAD) from None
    return future


@dataclass(eq=False, slots=True)
class _Job:
    future: Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class FairThreads:
    """Calls functions in threads, one function of each client in turn.

    One thread is only for clients without a running function, so that a client with many large messages does not stop
    the others.

    Args:
        count: the number of threads. They start when they are needed.
    """

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, "fair")
        self._idle = count
        self._most = max(count - 1, 1)  # for one client
        self._waiting: dict[str, deque[_Job]] = {}
        self._running: Counter[str] = Counter()
        self._lock = threading.RLock()

    async def call(self, is_quick: bool, client: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function, in a thread unless the call is quick, and returns its result.

        A call that is cancelled before it has begun is dropped, with its arguments. Raises the errors of the function,
        and Unavailable if no thread can be started.
        """
        if is_quick:
            return function(*arguments)
        job = _Job(Future(), function, arguments)
        with self._lock:
            self._waiting.setdefault(client, deque()).append(job)
            self._start()
        try:
            return await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            with self._lock:
                self._drop(client, job)
            raise

    def _drop(self, client: str, job: _Job) -> None:
        jobs = self._waiting.get(client)
        if jobs and job in jobs:
            jobs.remove(job)
            if not jobs:
                del self._waiting[client]

    def _start(self) -> None:
        while self._idle and (client := self._next()) is not None:
            jobs = self._waiting.pop(client)
            job = jobs.popleft()
            if jobs:
                self._waiting[client] = jobs
            if not job.future.set_running_or_notify_cancel():
                continue
            self._idle -= 1
            self._running[client] += 1
            try:
                submit(self._pool, self._run, client, job)
            except Unavailable as error:
                self._end(client)
                job.future.set_exception(error)

    def _next(self) -> str | None:
        """Returns the first client that may use another thread."""
        return next((client for client in self._waiting if self._running[client] < self._most), None)

    def _run(self, client: str, job: _Job) -> None:
        try:
            result = job.function(*job.arguments)
        except BaseException as error:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
        with self._lock:
            self._end(client)
            self._start()

    def _end(self, client: str) -> None:
        self._idle += 1
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]


_threads = FairThreads(THREADS)
call = _threads.call  # the threads of this process
