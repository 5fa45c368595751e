"""Calls about the whole server, in any of its processes: model status, reload, metrics."""

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
    """What the gRPC and REST APIs need from the server, apart from inference."""

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """Returns the status of a model's versions, or of one version, highest first. Raises NotFound if unknown."""

    async def reload(self, config: bytes) -> None:
        """Serves exactly the models of a serialized `ModelServerConfig`. Returns when new models are loaded.

        Raises ServingError if the config is invalid or a new model can't be loaded.
        """

    async def models(self) -> list[ModelStatus]:
        """Returns all configured models, by name."""

    async def metrics(self) -> str:
        """Returns the metrics of all processes together, as Prometheus text."""


class LocalControl:
    """The `Control` in the manager's process."""

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
    """The `Control` in a worker process: calls the manager's process."""

    def __init__(self, submit: Callable[..., Future[Any]]) -> None:
        self._submit = submit

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        return cast("list[VersionStatus]", await self._call("status", name, version))

    async def reload(self, config: bytes) -> None:
        await self._call("reload", config)

    async def models(self) -> list[ModelStatus]:
        return cast("list[ModelStatus]", await self._call("models"))

    async def metrics(self) -> str:
        return cast(str, await self._call("metrics"))

    async def _call(self, method: str, *arguments: Any) -> Any:
        return await asyncio.wrap_future(self._submit(method, *arguments))


def reload(manager: Manager, config: bytes) -> None:
    """Like `Control.reload`, for a manager in this process."""
    manager.reload(model_config.model_configs(messages.ModelServerConfig.FromString(config)))
