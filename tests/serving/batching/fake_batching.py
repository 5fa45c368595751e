"""A fake signature for batching tests. A test can pause the signature's runs to control which requests form a batch."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from keras_gallery.serving.batching.batcher import Batcher
from keras_gallery.serving.batching.threads import BatchThreads
from keras_gallery.serving.config.server_config import BatchingParameters
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

FLOAT = dtypes.BY_NUMBER[1]
NAMES = ("total", "twice")
SECONDS = 20  # time limit of each wait and of each scene
HOUR = 3_600_000_000  # microseconds


class Signature:
    """Computes two outputs from x: "total" (the sum of each row) and "twice" (2 x).

    After `hold`, runs wait until `go` is called.
    """

    def __init__(self, *, quick: bool = False, shape: tuple[int, ...] = (-1, -1)) -> None:
        spec = TensorSpec("x:0", FLOAT, shape)
        self.definition = SignatureDef("some", "", {"x": spec}, dict.fromkeys(NAMES, TensorSpec("y:0", FLOAT, None)))
        self.quick = quick
        self.batches: list[Any] = []
        self.threads: list[int] = []
        self.error: Exception | None = None
        self._may_go = threading.Event()
        self._may_go.set()

    @property
    def quick_bytes(self) -> int:
        return 1 << 20 if self.quick else -1

    def hold(self) -> None:
        self._may_go.clear()

    def go(self) -> None:
        self._may_go.set()

    def run(self, inputs: Any, outputs: Sequence[str]) -> Any:
        self.batches.append(inputs["x"])
        self.threads.append(threading.get_ident())
        assert self._may_go.wait(SECONDS)
        if self.error:
            raise self.error
        return answer(inputs["x"], outputs)

    @property
    def rows(self) -> list[int]:
        return [len(batch) for batch in self.batches]


def answer(x: Any, outputs: Sequence[str] = NAMES) -> Any:
    everything = {"total": x.sum(1), "twice": x * 2}
    return {name: everything[name] for name in outputs}


class Owner:
    """A fake servable. `users` is the number of callers that hold the servable."""

    users = 0

    def acquire(self) -> bool:
        self.users += 1
        return True

    def release(self) -> None:
        self.users -= 1


class Served:
    """A signature and its batcher. `ask` starts a request."""

    def __init__(self, signature: Signature, threads: BatchThreads, **parameters: Any) -> None:
        self.signature = signature
        self.threads = threads
        self.owner = Owner()
        self.seen: list[tuple[Sequence[float], int, int]] = []
        self.batcher = Batcher(
            signature, self.owner, BatchingParameters(**parameters), threads, lambda *seen: self.seen.append(seen)
        )

    async def ask(self, x: Any, outputs: Sequence[str] = NAMES) -> asyncio.Task[Any]:
        """Starts a request, and returns when the request has to wait."""
        task = asyncio.create_task(self.batcher.run({"x": x}, outputs))
        await asyncio.sleep(0)
        return task

    async def occupy(self, threads: int = 1) -> list[asyncio.Task[Any]]:
        """Pauses the signature and occupies each thread with a request of one row."""
        self.signature.hold()
        before = len(self.signature.batches)
        tasks = [await self.ask(floats(1)) for _ in range(threads)]
        await until(lambda: len(self.signature.batches) == before + threads)
        return tasks


@contextlib.asynccontextmanager
async def serve(
    signature: Signature | None = None, *, threads: int = 1, **parameters: Any
) -> AsyncIterator[tuple[Signature, Served]]:
    signature = signature or Signature()
    with ThreadPoolExecutor(100, "batch") as pool:
        served = Served(signature, BatchThreads(threads, pool), **parameters)
        try:
            async with asyncio.timeout(SECONDS):
                yield signature, served
                await until(lambda: not served.owner.users)
        finally:
            signature.go()


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0)


def floats(rows: int, width: int = 2, start: float = 1) -> Any:
    return (np.arange(rows * width) + start).astype(np.float32).reshape(rows, width)


def same(got: Any, x: Any, outputs: Sequence[str] = NAMES) -> bool:
    expected = answer(x, outputs)
    return list(got) == list(outputs) and all(np.array_equal(got[name], expected[name]) for name in outputs)
