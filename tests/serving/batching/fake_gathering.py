"""A fake signature and a thread pool for tests of the gatherer. `play` runs a scene on an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from keras_gallery.serving.batching.gatherer import Gatherer
from keras_gallery.serving.engines.base import Arrays, raise_in_event_loop

from .fake_batching import NAMES, SECONDS, answer

WIDTH = 2
ROW = 4 * WIDTH  # bytes


class Signature:
    """Computes "total" and "twice" from x, and records the rows and the thread of each run.

    Attributes:
        quick_bytes: as in `core.servable.Signature`.
        fails: returns whether a run with these rows raises an error.
        joins: returns whether requests may share a run with these rows.
    """

    def __init__(self, quick_bytes: int = 1 << 20) -> None:
        self.quick_bytes = quick_bytes
        self.runs: list[Any] = []
        self.threads: list[threading.Thread] = []
        self.fails: Callable[[Any], bool] = lambda x: False
        self.joins: Callable[[Any], bool] = lambda x: True
        self.blocks = False
        self._may_go = threading.Event()
        self._may_go.set()

    def can_join(self, inputs: Arrays) -> bool:
        return self.joins(inputs["x"])

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        if self.blocks:
            raise_in_event_loop()
        x = inputs["x"]
        self.runs.append(x)
        self.threads.append(threading.current_thread())
        assert self._may_go.wait(SECONDS)
        if self.fails(x):
            raise ValueError(f"{len(x)} rows")
        return dict(self.compute(x, outputs))

    def compute(self, x: Any, outputs: Sequence[str]) -> Arrays:
        return answer(x, outputs)  # type: ignore[no-any-return]

    def hold(self) -> None:
        self._may_go.clear()

    def go(self) -> None:
        self._may_go.set()

    @property
    def rows(self) -> list[int]:
        return [len(x) for x in self.runs]


class Scene:
    """A gatherer with a thread pool. `ask` starts a request, which arrives in the next turn of the event loop."""

    def __init__(self, signature: Signature, pool: ThreadPoolExecutor, parallel: int) -> None:
        self.signature, self._pool = signature, pool
        self.gatherer = Gatherer(signature, parallel)
        self.submitted = 0

    def ask(self, x: Any, outputs: Sequence[str] = NAMES) -> asyncio.Task[tuple[Arrays, int]]:
        return asyncio.ensure_future(self.gatherer.run({"x": x}, outputs, self.submit))

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        self.submitted += 1
        return self._pool.submit(function, *arguments)


def play(
    scene: Callable[[Scene], Awaitable[None]], *, quick_bytes: int = 1 << 20, parallel: int = 1, threads: int = 4
) -> Signature:
    signature = Signature(quick_bytes)

    async def run() -> None:
        async with asyncio.timeout(SECONDS):
            await scene(Scene(signature, pool, parallel))

    with ThreadPoolExecutor(threads) as pool:
        try:
            asyncio.run(run())
        finally:
            signature.go()
    return signature
