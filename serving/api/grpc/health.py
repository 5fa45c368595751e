"""The gRPC face's health service, `grpc.health.v1.Health`, with the answers of the C++ server's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import DecodeError

from ...errors import InvalidArgument, NotFound
from ...wire import messages

SERVICE = "grpc.health.v1.Health"
MAX_NAME = 200  # bytes of a service's name
_Request = messages.message("grpc.health.v1.HealthCheckRequest")
_Response = messages.message("grpc.health.v1.HealthCheckResponse")


class Health:
    """Tells of the server as a whole; no other service has a state of its own."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    async def check(self, data: bytes) -> bytes:
        """The state at this moment. NotFound for the name of a service, InvalidArgument for no request."""
        if _service(data):
            raise NotFound("service name unknown")
        return self._state()

    async def watch(self, data: bytes) -> AsyncIterator[bytes]:
        """The state at this moment and whenever it changes. InvalidArgument for no request."""
        service = _service(data)
        yield _state("SERVICE_UNKNOWN") if service else self._state()
        await self._stopped.wait()
        if not service:
            yield self._state()

    def stop(self) -> None:
        """Says from now on that nothing is served, and lets those who watch go."""
        self._stopped.set()

    def _state(self) -> bytes:
        return _state("NOT_SERVING" if self._stopped.is_set() else "SERVING")


def _service(data: bytes) -> str:
    try:
        service: Any = _Request.FromString(data).service
    except DecodeError:
        raise InvalidArgument("could not parse request") from None
    if len(service.encode()) > MAX_NAME:
        raise InvalidArgument("could not parse request")
    return str(service)


def _state(name: str) -> bytes:
    return bytes(_Response(status=name).SerializeToString())
