"""What concerns the server as a whole, whichever of its processes a request reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, cast

from ..config import model_config
from ..lifecycle.manager import Manager
from ..lifecycle.versions import ModelStatus, VersionStatus
from ..wire import messages


class Control(Protocol):
    """What the faces ask the server for, beside inference."""

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """A model's versions, or one of them, highest first; NotFound where there are none."""

    async def reload(self, config: bytes) -> None:
        """Serves the models of a serialized `ModelServerConfig` and no others, once they are loaded.

        Raises ServingError for a config that makes no sense, or new models that can't be loaded.
        """

    async def models(self) -> list[ModelStatus]:
        """All configured models, by name."""

    async def metrics(self) -> str:
        """The metrics of all processes together, as Prometheus text."""


class LocalControl:
    """For the process that holds the manager."""

    def __init__(self, manager: Manager, metrics: Callable[[], str]) -> None:
        self._manager = manager
        self._metrics = metrics

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        return self._manager.status(name, version)

    async def reload(self, config: bytes) -> None:
        await asyncio.to_thread(reload, self._manager, config)

    async def models(self) -> list[ModelStatus]:
        return self._manager.models()

    async def metrics(self) -> str:
        return self._metrics()


class RemoteControl:
    """For a worker process: asks the process that holds the manager."""

    def __init__(self, submit: Callable[..., Future[Any]]) -> None:
        self._submit = submit

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        return cast("list[VersionStatus]", await self._ask("status", name, version))

    async def reload(self, config: bytes) -> None:
        await self._ask("reload", config)

    async def models(self) -> list[ModelStatus]:
        return cast("list[ModelStatus]", await self._ask("models"))

    async def metrics(self) -> str:
        return cast(str, await self._ask("metrics"))

    async def _ask(self, method: str, *arguments: Any) -> Any:
        return await asyncio.wrap_future(self._submit(method, *arguments))


def reload(manager: Manager, config: bytes) -> None:
    """As `Control.reload`, for the manager itself."""
    manager.reload(model_config.model_configs(messages.ModelServerConfig.FromString(config)))
