"""The body of a REST request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ... import limits
from ...errors import InvalidArgument, ResourceExhausted

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

MAX_UNPACKED_BYTES = 100 << 20  # of a gzip body
LARGE_BODY = 1 << 20  # there are never many at a time that are shorter, unpacked, and being read


async def read(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The body, unpacked if it came with gzip; what is no gzip then is as good as nothing.

    Raises:
        ResourceExhausted: it is longer than `max_bytes`, unpacks to too much, or takes too much memory to be read.
    """
    chunks, size = [], 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise InvalidArgument("Expected a request body. Received: a closed connection")
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
    if len(body) > LARGE_BODY and "extensions" in scope:  # see `http_connection.py`
        scope["extensions"]["hold"](limits.json_memory(body))
    return body
