"""gRPC server reflection: tools such as grpcurl can list the services and their messages.

grpcio-reflection has only version v1alpha of the service. The messages of version v1 have the same encoding, so this
module serves both versions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection import aio

from ...errors import InvalidArgument, ResourceExhausted
from ...wire import messages

MAX_ANSWERS = 1000  # answers in a stream; grpcurl needs one for each service and each file
SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


class Reflection:
    """Answers reflection requests.

    Args:
        services: the names of all services. A service without a descriptor in `wire.messages` is not listed.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._servicer = aio.ReflectionServicer(filter(_is_described, services), pool=messages.POOL)

    async def answer(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Answers each request of a stream.

        Raises InvalidArgument if a request is malformed, and ResourceExhausted after `MAX_ANSWERS` answers.
        """
        count = 0
        async for response in self._servicer.ServerReflectionInfo(_decoded(requests), None):
            if count == MAX_ANSWERS:
                raise ResourceExhausted(f"Expected at most {MAX_ANSWERS} reflection requests in a stream.")
            count += 1
            yield bytes(response.SerializeToString())
            await asyncio.sleep(0)  # other requests run between two answers


async def _decoded(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for data in requests:
        try:
            yield reflection_pb2.ServerReflectionRequest.FromString(data)
        except DecodeError:
            raise InvalidArgument("Malformed ServerReflectionRequest.") from None


def _is_described(service: str) -> bool:
    try:
        messages.POOL.FindServiceByName(service)
    except KeyError:
        return False
    return True
