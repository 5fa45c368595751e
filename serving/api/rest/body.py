"""The body of a REST request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ... import limits
from ...errors import InvalidArgument, ResourceExhausted

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

MAX_UNPACKED_BYTES = 100 << 20  # maximum size of an unpacked gzip body
LARGE_BODY = 1 << 20  # bytes; the memory for parsing shorter bodies is not taken from the memory budget


async def read(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """Reads the body of a request, and unpacks it if it is compressed with gzip. Damaged gzip data gives an empty body.

    Raises:
        InvalidArgument: the connection was closed before the end of the body.
        ResourceExhausted: the body is longer than `max_bytes`, the unpacked body is too long, or the memory budget is
            used up.
    """
    chunks, size = [], 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise InvalidArgument("The connection was closed before the end of the request body.")
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if size > max_bytes:
            raise ResourceExhausted(f"Received message larger than max ({size} vs. {max_bytes})")
        if not event.get("more_body"):
            break
    body = b"".join(chunks)
    if any(name == b"content-encoding" and b"gzip" in value for name, value in scope["headers"]):
        unpacked: bytes | None = await asyncio.to_thread(limits.unpack, body, MAX_UNPACKED_BYTES)
        body = unpacked or b""
    if len(body) > LARGE_BODY and "extensions" in scope:  # see `HttpConnection.hold`
        scope["extensions"]["hold"](limits.json_memory(body))
    return body
