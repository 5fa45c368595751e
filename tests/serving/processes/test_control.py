"""Tests of the limit on reloads that wait, with a fake manager."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from keras_gallery.serving.errors import Aborted, Cancelled, ServingError
from keras_gallery.serving.processes.control import MAX_RELOADS, LocalControl, Reloads
from keras_gallery.serving.wire import messages

from ...waiting import until

SECONDS = 10
CONFIG = messages.ModelServerConfig(
    model_config_list={"config": [{"name": "m", "base_path": "/models/m", "model_platform": "tensorflow"}]}
).SerializeToString()


class FakeManager:
    """A manager whose reloads wait until they are cancelled or `continues` is set."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.continues = threading.Event()
        self.running = self.most = 0  # the number of reloads now, and the largest number at any time
        self._lock = threading.Lock()

    def reload(self, configs: Any, is_cancelled: Callable[[], bool]) -> None:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.started.release()
        try:
            while not self.continues.wait(0.01):
                if is_cancelled():
                    raise Cancelled("cancelled")
        finally:
            with self._lock:
                self.running -= 1


def test_a_new_reload_ends_the_oldest_one() -> None:
    """The newest reload is always accepted. The reloads that wait do not delay the executor of the event loop."""
    manager: Any = FakeManager()
    control = LocalControl(manager, str)

    async def run() -> None:
        waiting = []
        async with asyncio.timeout(SECONDS):
            for _ in range(3 * MAX_RELOADS):
                waiting.append(asyncio.create_task(control.reload(CONFIG)))
                await asyncio.to_thread(manager.started.acquire, timeout=SECONDS)
            for each in waiting[:-MAX_RELOADS]:
                with pytest.raises(Aborted, match=f"^A newer reload has ended this reload: only {MAX_RELOADS} "):
                    await each
            last = waiting[-MAX_RELOADS:]
            assert not any(each.done() for each in last)
            last[0].cancel()  # frees a place
            another = asyncio.create_task(control.reload(CONFIG))
            await asyncio.to_thread(manager.started.acquire, timeout=SECONDS)
            manager.continues.set()
            await asyncio.gather(another, *last[1:])
            await control.reload(CONFIG)

    asyncio.run(run())


def test_many_reloads_at_once() -> None:
    """At most `MAX_RELOADS` are in the manager at any time. Some of the others end without a change."""
    manager: Any = FakeManager()
    reloads = Reloads(lambda: manager)
    ended: list[BaseException | None] = []

    def reload() -> None:
        try:
            reloads(CONFIG)
            ended.append(None)
        except ServingError as error:
            ended.append(error)

    threads = [threading.Thread(target=reload) for _ in range(4 * MAX_RELOADS)]
    for thread in threads:
        thread.start()
    until(lambda: len(ended) == 3 * MAX_RELOADS)
    assert all(isinstance(each, Aborted) for each in ended)
    assert manager.most == MAX_RELOADS
    manager.continues.set()
    for thread in threads:
        thread.join(SECONDS)
    assert ended[3 * MAX_RELOADS :] == [None] * MAX_RELOADS


def test_metrics_do_not_stop_the_event_loop() -> None:
    threads: list[threading.Thread] = []

    def metrics() -> str:
        threads.append(threading.current_thread())
        return "text"

    manager: Any = FakeManager()
    assert asyncio.run(LocalControl(manager, metrics).metrics()) == "text"
    assert threads != [threading.main_thread()]
