"""From a method on bytes to what gRPC calls: errors become statuses here, and the observer is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter
from typing import Any, NoReturn
from urllib.parse import quote

import grpc
from google.protobuf.message import DecodeError

from ...errors import Internal, ServingError, Unimplemented
from ...observe.observation import CURRENT, Observation
from ...observe.observer import Observer
from .memory_budget import GrpcRoom

log = logging.getLogger(__name__)
Call = Callable[[bytes], Awaitable[bytes]]


def observed(name: str, call: Call, observer: Observer, room: GrpcRoom) -> grpc.RpcMethodHandler:
    """A handler for the method `name`; each request is the observer's to allow and to keep."""

    async def handler(data: bytes, context: Any) -> bytes:
        request = Observation("grpc", name, status="CANCELLED", request_bytes=len(data))
        CURRENT.set(request)
        started = perf_counter()
        try:
            observer.begin()
            answer = room.hold(await call(room.request(data, context)), context)
            request.status, request.response_bytes = "OK", len(answer)
            return answer
        except Exception as error:
            request.status = _serving_error(error).code.name
            await _abort(context, error)
        except asyncio.CancelledError:
            if context.time_remaining() == 0:
                request.status = "DEADLINE_EXCEEDED"
            raise
        finally:
            request.seconds = perf_counter() - started
            if observer.detailed:
                request.peer = context.peer()
                request.read_headers(context.invocation_metadata() or ())
            observer.record(request)

    return grpc.unary_unary_rpc_method_handler(handler)


def unary(call: Call, room: GrpcRoom) -> grpc.RpcMethodHandler:
    """A handler that the observer is not told of."""

    async def handler(data: bytes, context: Any) -> bytes:
        try:
            return await call(room.request(data, context))
        except Exception as error:
            await _abort(context, error)

    return grpc.unary_unary_rpc_method_handler(handler)


def stream(call: Callable[[Any], AsyncIterator[bytes]]) -> Callable[[Any, Any], AsyncIterator[bytes]]:
    """For a method that answers with a stream."""

    async def handler(request: Any, context: Any) -> AsyncIterator[bytes]:
        try:
            async for answer in call(request):
                yield answer
        except Exception as error:
            await _abort(context, error)

    return handler


class Unknown(grpc.GenericRpcHandler):
    """Any other method: refused without a word, as the C++ server does."""

    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.stream_stream_rpc_method_handler(stream(self._refuse))

    async def _refuse(self, _: Any) -> AsyncIterator[bytes]:
        raise Unimplemented("")
        yield b""


async def _abort(context: Any, error: Exception) -> NoReturn:
    """Turns what a method raises into a gRPC status: the one place that does."""
    problem = _serving_error(error)
    if not isinstance(error, ServingError | DecodeError):
        log.error("gRPC request failed", exc_info=error)
    error.__traceback__ = None  # its frames hold the request, unpacked, for as long as the answer takes
    await context.abort(problem.code, _short(str(problem)))
    raise AssertionError  # abort has raised


def _serving_error(error: Exception) -> ServingError:
    if isinstance(error, ServingError):
        return error
    if isinstance(error, DecodeError):
        return Internal("")
    return Internal(f"{type(error).__name__}: {error}")  # ours to mend; the client gets one line


_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")  # sent as it is; anything else three times as long


def _short(text: str) -> str:
    """A message that clients take: they refuse trailers over 8 KiB."""
    if len(text) <= 600 or len(quote(text, safe=_PLAIN)) <= 7600:
        return text
    return text.encode()[:2500].decode(errors="ignore") + "..."
