"""The gRPC health service, `grpc.health.v1.Health`, with the same answers as in TensorFlow Serving.

grpcio-health-checking is not used, because it differs in three points. Its NOT_FOUND error for an unknown service lacks
the message "service name unknown". It does not answer malformed requests, and names of over 200 bytes, with the message
"could not parse request". Its Watch streams do not end when the server stops.
"""

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
    """The health of the whole server. There is no health state for single services."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    async def check(self, data: bytes) -> bytes:
        """Returns the state. Raises NotFound for a named service, and InvalidArgument for a malformed request."""
        if _service(data):
            raise NotFound("service name unknown")
        return self._state()

    async def watch(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Reads one request. Yields the current state, then NOT_SERVING when the server stops.

        For a named service, yields only SERVICE_UNKNOWN. Raises InvalidArgument for a malformed request.
        """
        service = _service(await anext(requests, b""))
        yield _state("SERVICE_UNKNOWN") if service else self._state()
        waits = [asyncio.ensure_future(each) for each in (self._stopped.wait(), _next(requests))]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[1] in done and waits[1].result():  # a second message, which would stay in memory: end the call
                return
            await waits[0]
        finally:
            for each in waits:
                each.cancel()
        if not service:
            yield self._state()

    def stop(self) -> None:
        """Changes the state to NOT_SERVING and ends all watch streams."""
        self._stopped.set()

    def _state(self) -> bytes:
        return _state("NOT_SERVING" if self._stopped.is_set() else "SERVING")


async def _next(requests: AsyncIterator[bytes]) -> bool:
    """Waits for another message. Returns False at the end of the requests."""
    return await anext(requests, None) is not None


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
