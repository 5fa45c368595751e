"""Tests that a request over HTTP/2 ends when its client cancels it, and not before. HTTP/1.1 does not show this."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.api.rest import disconnect
from keras_gallery.serving.api.rest.disconnect import UntilDisconnect
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.errors import Cancelled

from ....hardening import http2
from ...fake_models import definition, signatures
from ..front_server import SECONDS, FrontServer


class Client:
    """The end of a connection. `receive` returns after the client has closed it."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.closed.wait()
        return {"type": "http.disconnect"}


@pytest.fixture(autouse=True)
def watch_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnect, "WATCH_SECONDS", 0.001)


def test_the_block_ends_when_the_client_disconnects() -> None:
    async def scene() -> None:
        client = Client()
        asyncio.get_running_loop().call_later(0.01, client.closed.set)
        with pytest.raises(Cancelled, match=r"^The client closed the connection\.$"):
            with UntilDisconnect(client.receive):
                await asyncio.sleep(SECONDS)

    asyncio.run(scene())


def test_the_block_returns_and_raises_as_usual() -> None:
    async def scene() -> None:
        with pytest.raises(KeyError):
            with UntilDisconnect(Client().receive):
                await asyncio.sleep(0.01)
                raise KeyError
        with UntilDisconnect(Client().receive):
            await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) <= 2  # the watching task may still end
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scene())


def test_another_cancellation_stays_a_cancellation() -> None:
    async def scene() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(0.01, task.cancel)
        with UntilDisconnect(Client().receive):
            await asyncio.sleep(SECONDS)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scene())


# === A real server ===

ENTERED, LEAVE = threading.Event(), threading.Event()


def slow(inputs: Arrays) -> Mapping[str, Any]:
    ENTERED.set()
    assert LEAVE.wait(SECONDS)
    return {"y": np.asarray(inputs["x"])}


@pytest.fixture
def server() -> Iterator[FrontServer]:
    ENTERED.clear()
    LEAVE.clear()
    with FrontServer(signatures((definition("slow", {"x": "float"}, {"y": "float"}), slow))) as running:
        yield running
        LEAVE.set()


PATH = "/v1/models/m:predict"
HEADERS = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", PATH.encode()), (b":authority", b"x")]
BODY = json.dumps({"signature_name": "slow", "instances": [1.0]}).encode()


def ask(client: socket.socket) -> None:
    headers = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, b"".join(http2.field(*each) for each in HEADERS))
    client.sendall(http2.start() + headers + http2.frame(http2.DATA, http2.END_STREAM, 1, BODY))
    assert ENTERED.wait(SECONDS)


@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_request_whose_client_is_gone_ends(server: FrontServer, end: str) -> None:
    with socket.create_connection(("127.0.0.1", server.rest_port), SECONDS) as client:
        ask(client)
        if end == "reset":
            client.sendall(http2.frame(http2.RST_STREAM, 0, 1, bytes(4)))
            assert server.seen(face="rest").status == "CANCELLED"
    assert server.seen(face="rest").status == "CANCELLED"


def test_a_request_whose_client_waits_is_answered(server: FrontServer) -> None:
    with socket.create_connection(("127.0.0.1", server.rest_port), SECONDS) as client:
        ask(client)
        server.until(lambda: any("UntilDisconnect._watch" in repr(task) for task in asyncio.all_tasks()))
        LEAVE.set()
        body = next(payload for kind, _, _, payload in http2.frames(client) if kind == http2.DATA)
        assert json.loads(body) == {"predictions": [1.0]}
