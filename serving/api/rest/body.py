"""The body of a REST request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ... import fair_threads, limits
from ...errors import Cancelled, ResourceExhausted
from ...limits import Share

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

MAX_UNPACKED_BYTES = 100 << 20  # maximum size of an unpacked gzip body
LARGE_BODY = 16 << 10  # bytes; shorter bodies are not in the memory budget, because the number of requests is limited
LARGE_JSON = 1 << 20  # bytes; the memory for parsing shorter bodies is not in the memory budget
BODY_SECONDS = 300.0  # timeout for the whole body


class TooLate(Exception):
    """The client did not send the whole body within `BODY_SECONDS`."""


class TooLarge(ResourceExhausted):
    """The body has more bytes than the limit."""

    http_status = 413


async def read(scope: Scope, receive: Receive, max_bytes: int, share: Share, json_bytes: int | None = None) -> bytes:
    """Reads the body of a request, and unpacks it if it is compressed with gzip. Damaged gzip data gives an empty body.

    Args:
        scope: the ASGI scope of the request.
        receive: returns the next part of the body.
        max_bytes: maximum size of the body in bytes, before it is unpacked.
        share: the share of the request in the memory budget. Takes the body and the memory for parsing the body.
        json_bytes: the number of bytes of JSON at the start of the body. None: the whole body is JSON.

    Raises:
        Cancelled: the client closed the connection before the end of the body.
        TooLarge: the body is longer than `max_bytes`.
        TooLate: the body was not complete in time.
        ResourceExhausted: the unpacked body is too long, or the memory budget is used up.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > max_bytes:  # before the client sends the body
            raise _too_large(int(value), max_bytes)
    if scope.get("http_version") == "2":  # over HTTP/1.1, h2corn closes a connection that sends no byte of the body
        try:
            async with asyncio.timeout(BODY_SECONDS):
                event = await receive()
        except TimeoutError:
            raise TooLate from None
    else:
        event = await receive()
    body: bytes | bytearray = event.get("body", b"")
    if event.get("more_body"):
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _rest(body, event, receive, max_bytes, share)
        except TimeoutError:
            raise TooLate from None
    elif event["type"] == "http.disconnect":
        raise _closed()
    if len(body) > max_bytes:
        raise _too_large(len(body), max_bytes)
    if len(body) > LARGE_BODY:
        share.take_up_to(len(body))
    body = bytes(body)
    if any(name == b"content-encoding" and b"gzip" in value for name, value in scope["headers"]):
        unpacked: bytes | None = await fair_threads.call(False, share.client, limits.unpack, body, MAX_UNPACKED_BYTES)
        body = unpacked or b""
    text = body[:json_bytes]
    if len(text) > LARGE_JSON:
        share.take(await fair_threads.call(False, share.client, limits.json_memory, text), alone=False)
    return body


async def _rest(
    first: bytes | bytearray, event: dict[str, Any], receive: Receive, max_bytes: int, share: Share
) -> bytearray:
    body = bytearray(first)
    while event.get("more_body"):
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _closed()
        body += event.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(len(body), max_bytes)
        if len(body) > LARGE_BODY:
            share.take_up_to(len(body))
    return body


def _closed() -> Cancelled:
    return Cancelled("The connection was closed before the end of the request body.")


def _too_large(size: int, max_bytes: int) -> TooLarge:
    return TooLarge(f"Received message larger than max ({size} vs. {max_bytes})")
