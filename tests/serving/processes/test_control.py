"""Tests of the limit on reloads that wait, with a fake manager."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from keras_gallery.serving.errors import Cancelled, ResourceExhausted
from keras_gallery.serving.processes.control import MAX_RELOADS, LocalControl
from keras_gallery.serving.wire import messages

SECONDS = 10
CONFIG = messages.ModelServerConfig(
    model_config_list={"config": [{"name": "m", "base_path": "/models/m", "model_platform": "tensorflow"}]}
).SerializeToString()


class FakeManager:
    """A manager whose reloads wait until they are cancelled or `continues` is set."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.continues = threading.Event()

    def reload(self, configs: Any, is_cancelled: Callable[[], bool]) -> None:
        self.started.release()
        while not self.continues.wait(0.01):
            if is_cancelled():
                raise Cancelled("cancelled")


def test_too_many_reloads() -> None:
    """The reloads that wait delay neither an error nor calls in the executor of the event loop."""
    manager: Any = FakeManager()
    control = LocalControl(manager, str)

    async def run() -> None:
        waiting = [asyncio.create_task(control.reload(CONFIG)) for _ in range(MAX_RELOADS)]
        async with asyncio.timeout(SECONDS):
            for _ in waiting:
                await asyncio.to_thread(manager.started.acquire, timeout=SECONDS)
            for _ in range(3 * MAX_RELOADS):
                with pytest.raises(ResourceExhausted, match=rf"^Too many reloads are waiting: {MAX_RELOADS}\.$"):
                    await control.reload(CONFIG)
            waiting[0].cancel()  # frees a place
            while True:
                another = asyncio.create_task(control.reload(CONFIG))
                done, _ = await asyncio.wait([another], timeout=0.05)
                if not done:
                    break
                assert isinstance(another.exception(), ResourceExhausted)
            manager.continues.set()
            await asyncio.gather(another, *waiting[1:])
            await control.reload(CONFIG)

    asyncio.run(run())
