"""The yardstick of the speed benchmark: h2corn, the model server's HTTP server, with an answer that never changes.

    python benchmarks/echo_server.py PORT

The server has one process. It reads each gRPC request to its end and answers with a message of 3.2 KB. SIGTERM stops
the server.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import h2corn._lib
from h2corn import Config, Server

METHOD = "/benchmark.Echo/Echo"
SIZE = 3200  # bytes of the answer, and of the requests in the benchmark

_HEADERS = [(b"content-type", b"application/grpc")]
_START = {"type": "http.response.start", "status": 200, "headers": _HEADERS, "trailers": True}
_BODY = {"type": "http.response.body", "body": b"\0" + SIZE.to_bytes(4, "big") + bytes(SIZE), "more_body": False}
_END = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}

h2corn._lib.emit_banner = lambda *_: None


async def echo(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
) -> None:
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send(_BODY)
    await send(_END)


if __name__ == "__main__":
    config = Config(
        bind=(f"127.0.0.1:{sys.argv[1]}",),
        grpc=True,
        access_log=False,
        lifespan="off",
        runtime_threads=1,
    )
    asyncio.run(Server(echo, config).serve())
