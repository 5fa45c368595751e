"""Calls that concern the whole server: model status, reload, metrics. All processes of the server can use them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, cast

from .. import fair_threads
from ..config import model_config
from ..errors import Aborted, Cancelled, DeadlineExceeded
from ..lifecycle.manager import Manager
from ..lifecycle.versions import ModelStatus, State, VersionStatus
from ..wire import messages

MAX_RELOADS = 8  # reloads that wait for their models
SLOT_SECONDS = 0.1  # pause between two looks at whether a newer reload has ended a reload that has not begun
CALL_SECONDS = 10.0  # time limit for the manager's process to answer a call other than `reload`


class Control(Protocol):
    """The calls of the gRPC and REST APIs that concern the whole server."""

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """Returns the status of all versions of a model, highest first; with `version`, of this version only.

        Raises NotFound if the model is unknown or has no versions, or if the version is unknown.
        """

    async def reload(self, config: bytes) -> None:
        """Serves exactly the models of a serialized `ModelServerConfig`. Returns after all new models are loaded.

        Raises ServingError if the config is invalid or a new model can't be loaded.
        """

    async def models(self) -> list[ModelStatus]:
        """Returns all configured models, by name."""

    async def metrics(self) -> str:
        """Returns the metrics of all processes together, as Prometheus text."""


async def waiting_models(control: Control) -> list[str]:
    """Returns the names of the configured models without an available version."""
    return [
        model.name
        for model in await control.models()
        if not any(version.state is State.AVAILABLE for version in model.versions)
    ]


class LocalControl:
    """Implements `Control` in the manager's process."""

    def __init__(self, manager: Manager, metrics: Callable[[], str]) -> None:
        self._manager = manager
        self._metrics = metrics
        self._reload = Reloads(lambda: manager)
        # Not the executor of the event loop, so that reloads don't delay requests. One more thread ends the oldest.
        self._threads = ThreadPoolExecutor(MAX_RELOADS + 1, "reload")

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        return self._manager.status(name, version)

    async def reload(self, config: bytes) -> None:
        cancelled = threading.Event()
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._reload, config, cancelled.is_set)
        finally:
            cancelled.set()

    async def models(self) -> list[ModelStatus]:
        return self._manager.models()

    async def metrics(self) -> str:
        # In a thread, because the metrics of many models can have some 100,000 lines.
        return cast(str, await fair_threads.call(False, "metrics", self._metrics))


class RemoteControl:
    """Implements `Control` in a worker process, with calls to the manager's process."""

    def __init__(self, submit: Callable[..., Future[Any]]) -> None:
        self._submit = submit

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        return cast("list[VersionStatus]", await self._call("status", name, version))

    async def reload(self, config: bytes) -> None:
        # The manager has its own time limit. If the client gives up, so does the call in the manager's process.
        await asyncio.wrap_future(self._submit("reload", config))

    async def models(self) -> list[ModelStatus]:
        return cast("list[ModelStatus]", await self._call("models"))

    async def metrics(self) -> str:
        return cast(str, await self._call("metrics"))

    async def _call(self, method: str, *arguments: Any) -> Any:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await asyncio.wrap_future(self._submit(method, *arguments))
        except TimeoutError:
            raise DeadlineExceeded(f"The manager's process has not answered within {CALL_SECONDS:g} s.") from None


class Reloads:
    """Makes a manager serve exactly the models of serialized configs. Limits the number of reloads that wait.

    If too many reloads wait, a new reload ends the oldest one. Each reload replaces the models of the reload before, so
    the newest one counts, for example if the others wait for models that never load.

    Args:
        manager: returns the manager.
    """

    def __init__(self, manager: Callable[[], Manager]) -> None:
        self._manager = manager
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()  # for each reload: whether it must end
        self._slots = threading.BoundedSemaphore(MAX_RELOADS)  # limits the memory of the parsed configs

    def __call__(self, config: bytes, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        """Applies a serialized `ModelServerConfig`. Returns after all new models are loaded.

        Stops waiting for the models when `is_cancelled()` returns True.

        Raises:
            Aborted: too many newer reloads are waiting.
            ServingError: the config is invalid or a new model can't be loaded.
        """
        replaced = threading.Event()
        with self._lock:
            self._waiting.append(replaced)
            if len(self._waiting) > MAX_RELOADS:
                self._waiting.popleft().set()
        try:
            while not replaced.is_set():
                if not self._slots.acquire(timeout=SLOT_SECONDS):
                    continue
                try:
                    configs = model_config.model_configs(messages.ModelServerConfig.FromString(config))
                    self._manager().reload(configs, lambda: replaced.is_set() or is_cancelled())
                    return
                finally:
                    self._slots.release()
        except Cancelled:
            if not replaced.is_set():
                raise
        finally:
            with self._lock, contextlib.suppress(ValueError):  # a newer reload has removed it
                self._waiting.remove(replaced)
        raise Aborted(f"A newer reload has ended this reload: only {MAX_RELOADS} reloads can wait at the same time.")
