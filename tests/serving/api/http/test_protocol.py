"""Tests of timeouts, memory and unread answers of an HTTP connection, without a network.

`tests/hardening` has the tests over a network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from keras_gallery.serving.api.http import connection as http_connection
from keras_gallery.serving.api.http import protocol as http_protocol
from keras_gallery.serving.api.http.protocol import BoundedHttp
from uvicorn.server import ServerState

HEAD = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n"


class Transport(asyncio.Transport):
    """A transport that stores the written bytes and how the connection was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended: str | None = None

    def write(self, data: Any) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.ended = self.ended or "answer"

    def abort(self) -> None:
        self.ended = self.ended or "abort"

    def close(self) -> None:
        self.ended = self.ended or "close"

    def is_closing(self) -> bool:
        return self.ended in ("abort", "close")

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def get_write_buffer_size(self) -> int:
        return len(self.written)


async def echo(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    body, more = b"", True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body, more = body + event["body"], event["more_body"]
    scope["extensions"]["hold"](int(body or b"0"))
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Connections:
    """Connections that share a memory budget."""

    def __init__(self) -> None:
        self._config = uvicorn.Config(echo, ws="none", lifespan="off", interface="asgi3", log_config=None)
        self._config.http = http_protocol.bounded(1000, 1)
        self._config.load()
        self._state = ServerState()

    def open(self) -> tuple[BoundedHttp, Transport]:
        protocol = self._config.http_protocol_class(config=self._config, server_state=self._state, app_state={})
        protocol.connection_made(transport := Transport())
        assert isinstance(protocol, BoundedHttp)
        return protocol, transport


def run(test: Callable[[Connections], Awaitable[None]]) -> None:
    async def all_() -> None:
        await test(Connections())

    asyncio.run(all_())


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_idle_connections_are_closed() -> None:
    async def test(connections: Connections) -> None:
        protocol, transport = connections.open()
        protocol._end_if_idle()
        assert transport.ended is None
        protocol.data_received(HEAD + b"1234")
        await settled()
        assert transport.written.endswith(b"\r\n\r\n1234")
        protocol.idle_since -= http_connection.KEEP_ALIVE_SECONDS
        protocol._end_if_idle()
        assert transport.ended == "abort"

    run(test)


@pytest.mark.parametrize("part", [b"P", HEAD, HEAD + b"123", HEAD + b"1234"])
def test_connections_with_a_request_are_not_idle(part: bytes) -> None:
    """A connection with a complete or incomplete request stays open, even if the connection is old."""

    async def test(connections: Connections) -> None:
        protocol, transport = connections.open()
        protocol.idle_since -= http_connection.KEEP_ALIVE_SECONDS
        protocol.data_received(part)
        protocol._end_if_idle()
        assert transport.ended is None

    run(test)


def test_memory_is_returned_to_the_budget() -> None:
    async def test(connections: Connections) -> None:
        protocol, transport = connections.open()
        budget = protocol.memory._budget
        for held in range(4):
            protocol.data_received((HEAD + b"1234")[: len(HEAD) + held])
            assert (protocol.held, budget.used) == (held, held)
            protocol.data_received((HEAD + b"1234")[len(HEAD) + held :])
            await settled()
            assert (protocol.held, budget.used) == (0, 0)
        protocol.data_received(HEAD + b"12")
        protocol.connection_lost(None)
        assert budget.used == 0

    run(test)


def test_an_unread_answer_is_in_the_budget() -> None:
    async def test(connections: Connections) -> None:
        protocol, transport = connections.open()
        budget = protocol.memory._budget
        protocol.data_received(HEAD)
        protocol.pause_writing()  # a transport calls this while it writes
        protocol.data_received(b"1234")
        await settled()
        protocol.resume_writing()
        await settled()
        assert transport.written.endswith(b"1234") and budget.used == 0
        protocol.pause_writing()
        assert budget.used == len(transport.written)
        protocol.connection_lost(None)
        assert budget.used == 0

    run(test)


def test_a_request_is_answered_if_a_later_request_is_malformed() -> None:
    async def test(connections: Connections) -> None:
        protocol, transport = connections.open()
        protocol.data_received(HEAD + b"1234" + HEAD + b"5678" + b"\0")
        await settled()
        assert transport.written.endswith(b"1234") and transport.ended == "close"

    run(test)


def test_answers_are_sent_after_the_client_has_closed_its_side() -> None:
    async def test(connections: Connections) -> None:
        protocol, transport = connections.open()
        protocol.data_received(HEAD + b"1234" + HEAD + b"5678")
        assert protocol.eof_received() is True
        await settled()
        assert transport.written.count(b"HTTP/1.1 200") == 2 and transport.ended == "close"
        protocol, transport = connections.open()
        protocol.data_received(HEAD)
        assert protocol.eof_received() is False

    run(test)
