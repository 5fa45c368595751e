"""Tests of the threads for long work, such as decoding large messages."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from keras_gallery.serving.errors import Unavailable
from keras_gallery.serving.fair_threads import FairThreads

SECONDS = 20


class Work:
    """Functions that wait for `go`. `order` has the names of the functions that have begun."""

    def __init__(self, count: int) -> None:
        self.threads = FairThreads(count)
        self.order: list[str] = []
        self.go = threading.Event()

    def __call__(self, name: str) -> str:
        self.order.append(name)
        assert self.go.wait(SECONDS)
        return name

    async def start(self, client: str, *names: str) -> list[asyncio.Task[Any]]:
        tasks = [asyncio.create_task(self.threads.call(False, client, self, name)) for name in names]
        await asyncio.sleep(0)
        return tasks


async def until(work: Work, count: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len(work.order) < count:
            await asyncio.sleep(0.001)


def test_quick_calls_need_no_thread() -> None:
    async def scene() -> None:
        assert await FairThreads(1).call(True, "", threading.get_ident) == threading.get_ident()
        assert await FairThreads(1).call(False, "", threading.get_ident) != threading.get_ident()
        with pytest.raises(KeyError):
            await FairThreads(1).call(False, "", {}.__getitem__, 1)

    asyncio.run(scene())


def test_a_client_leaves_a_thread_to_the_others() -> None:
    async def scene() -> None:
        work = Work(3)
        tasks = await work.start("greedy", "a", "b", "c", "d")
        tasks += await work.start("other", "x", "y")
        await until(work, 3)
        await asyncio.sleep(0.01)
        assert sorted(work.order) == ["a", "b", "x"]
        work.go.set()
        assert await asyncio.gather(*tasks) == ["a", "b", "c", "d", "x", "y"]

    asyncio.run(scene())


def test_clients_take_turns_and_cancelled_calls_do_not_run() -> None:
    async def scene() -> None:
        work = Work(1)
        tasks = await work.start("greedy", "a", "b", "c", "d")
        tasks += await work.start("other", "x", "y")
        await until(work, 1)
        tasks.pop(1).cancel()
        await asyncio.sleep(0)
        assert [len(jobs) for jobs in work.threads._waiting.values()] == [2, 2]  # its arguments are not kept
        work.go.set()
        await asyncio.gather(*tasks)
        assert work.order == ["a", "c", "x", "d", "y"]

    asyncio.run(scene())


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scene() -> None:
        threads, called = FairThreads(1), list[str]()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with pytest.raises(Unavailable, match="cannot start a thread"):
                await threads.call(False, "", called.append, "failed")
        await threads.call(False, "", called.append, "later")
        assert called == ["later"]

    asyncio.run(scene())
