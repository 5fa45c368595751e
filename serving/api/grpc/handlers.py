"""Wraps methods that convert bytes to bytes in gRPC handlers.

The handlers turn errors into gRPC statuses and report requests to the observer.
"""

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
from .memory_budget import MessageMemory

log = logging.getLogger(__name__)
Call = Callable[[bytes], Awaitable[bytes]]


def observed(name: str, call: Call, observer: Observer, memory: MessageMemory) -> grpc.RpcMethodHandler:
    """Returns a handler for the method `name` that reports each request to the observer.

    The observer may reject a request with ResourceExhausted if too many requests are in progress.
    """

    async def handler(data: bytes, context: Any) -> bytes:
        request = Observation("grpc", name, status="CANCELLED", request_bytes=len(data))
        CURRENT.set(request)
        started = perf_counter()
        try:
            observer.begin()
            answer = memory.hold(await call(memory.request(data, context)), context)
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


def unary(call: Call, memory: MessageMemory) -> grpc.RpcMethodHandler:
    """Returns a handler that does not report its requests to the observer."""

    async def handler(data: bytes, context: Any) -> bytes:
        try:
            return await call(memory.request(data, context))
        except Exception as error:
            await _abort(context, error)

    return grpc.unary_unary_rpc_method_handler(handler)


def stream(call: Callable[[Any], AsyncIterator[bytes]]) -> Callable[[Any, Any], AsyncIterator[bytes]]:
    """Returns a handler for a method that answers with a stream."""

    async def handler(request: Any, context: Any) -> AsyncIterator[bytes]:
        try:
            async for answer in call(request):
                yield answer
        except Exception as error:
            await _abort(context, error)

    return handler


class Unknown(grpc.GenericRpcHandler):
    """Answers calls of unknown methods with UNIMPLEMENTED and an empty message, as TensorFlow Serving does."""

    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.stream_stream_rpc_method_handler(stream(self._refuse))

    async def _refuse(self, _: Any) -> AsyncIterator[bytes]:
        raise Unimplemented("")
        yield b""


async def _abort(context: Any, error: Exception) -> NoReturn:
    """Ends a call with the gRPC status of an error. Logs the traceback if the error is a bug in the server."""
    problem = _serving_error(error)
    if not isinstance(error, ServingError | DecodeError):
        log.error("gRPC request failed", exc_info=error)
    error.__traceback__ = None  # the traceback would keep the unpacked request in memory until the answer is sent
    await context.abort(problem.code, _short(str(problem)))
    raise AssertionError  # not reached, because `abort` raises


def _serving_error(error: Exception) -> ServingError:
    if isinstance(error, ServingError):
        return error
    if isinstance(error, DecodeError):
        return Internal("")
    return Internal(f"{type(error).__name__}: {error}")  # a bug: the answer has one line, the log has the traceback


_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")  # gRPC sends every other byte as three bytes


def _short(text: str) -> str:
    """Shortens a message, because clients reject trailers over 8 KiB."""
    if len(text) <= 600 or len(quote(text, safe=_PLAIN)) <= 7600:
        return text
    return text.encode()[:2500].decode(errors="ignore") + "..."
