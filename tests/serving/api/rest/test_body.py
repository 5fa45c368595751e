"""Tests of request bodies, memory and stopping of the REST application, without sockets."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.api.rest import body as rest_body
from keras_gallery.serving.errors import ResourceExhausted
from keras_gallery.serving.limits import Share, json_memory

from .rest_client import PREDICT, Client, Reply, refusal


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.inference.close()


# === Bodies ===


def test_gzip(client: Client) -> None:
    body = gzip.compress(b'{"instances": [1]}')
    assert client.ask("POST", PREDICT, [body[:10], body[10:]], {"content_encoding": "gzip"}).status == 200


@pytest.mark.parametrize("body", [b'{"instances": [1]}', gzip.compress(b'{"instances": [1]}', mtime=0)[:-9], b""])
def test_damaged_gzip_data_gives_an_empty_body(client: Client, body: bytes) -> None:
    reply = client.ask("POST", PREDICT, body, {"content_encoding": "gzip"})
    assert refusal(reply, 400) == "JSON Parse error: The document is empty"


def test_large_gzip_bodies(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_body, "MAX_UNPACKED_BYTES", 1000)
    reply = client.ask("POST", PREDICT, gzip.compress(b" " * 1001), {"content_encoding": "gzip"})
    assert "more than 1000 bytes when decompressed" in refusal(reply, ResourceExhausted.http_status)


def test_maximum_body_size() -> None:
    client = Client(max_request_bytes=20)
    assert client.ask("POST", PREDICT, [b'{"instances"', b": [1]}"]).status == 200
    reply = client.ask("POST", PREDICT, [b'{"instances"', b": [1, 2]}"])
    assert refusal(reply, 413) == "Received message larger than max (21 vs. 20)"
    reply = client.ask("POST", PREDICT, b'{"instances": [1, 2]}')
    assert refusal(reply, 413) == "Received message larger than max (21 vs. 20)"
    reply = asyncio.run(client._ask("POST", PREDICT, [b"", b""], {"content-length": "21"}, stalls=True))
    assert refusal(reply, 413) == "Received message larger than max (21 vs. 20)"


def test_a_client_that_disconnects(client: Client) -> None:
    reply = asyncio.run(client._ask("POST", PREDICT, [], {}))
    assert refusal(reply, 499) == "The connection was closed before the end of the request body."
    reply = asyncio.run(client._ask("POST", PREDICT, [b'{"instances": [1', b""], {}, disconnects=True))
    assert refusal(reply, 499) == "The connection was closed before the end of the request body."


def test_a_body_that_is_not_complete_in_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_body, "BODY_SECONDS", 0.01)
    reply = asyncio.run(client._ask("POST", PREDICT, [b"{", b""], {}, stalls=True))
    assert refusal(reply, 408) == "The request was not complete within 0.01 s."
    reply = asyncio.run(client._ask("POST", PREDICT, [], {}, http_version="2", stalls=True))
    assert reply.status == 408 and b"The request was not complete within 0.01 s." in reply.body


# === Memory ===

FULL = "The memory budget for requests is used up. Retry later."
DIGITS = np.random.default_rng(0).integers(0, 10, 1 << 19)
NUMBERS = f'{{"instances": [{",".join(map(str, DIGITS.tolist()))}]}}'.encode()  # needs much memory when parsed


def test_a_large_body_and_its_parsed_form_are_in_the_budget() -> None:
    small = b'{"instances": [1]}'
    client = Client(budget=1)
    assert client.ask("POST", PREDICT, [small[:5], small[5:]]).status == 200
    assert refusal(client.ask("POST", PREDICT, NUMBERS), 429) == FULL
    assert refusal(client.ask("POST", PREDICT, [NUMBERS[:-1], NUMBERS[-1:]]), 429) == FULL
    assert refusal(client.ask("POST", PREDICT, gzip.compress(NUMBERS), {"content_encoding": "gzip"}), 429) == FULL
    assert Client(budget=40 * len(NUMBERS)).ask("POST", PREDICT, NUMBERS).status == 200


def test_a_body_is_taken_from_the_budget_while_it_arrives() -> None:
    client = Client(budget=40 * len(NUMBERS))
    client.budget.take(client.budget.limit)  # other requests
    parts = [NUMBERS[:2000], NUMBERS[2000:-1], NUMBERS[-1:]]
    scope = {"headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    share = Share(client.budget)
    with pytest.raises(ResourceExhausted, match=FULL):
        asyncio.run(rest_body.read(scope, receive, 1 << 30, share))
    assert parts == [NUMBERS[-1:]], "the last part is not read"
    assert share.held == 0
    client.budget.give(client.budget.limit)
    parts = [NUMBERS[:2000], NUMBERS[2000:]]
    asyncio.run(rest_body.read(scope, receive, 1 << 30, share))
    assert share.held == client.budget.used == len(NUMBERS) + json_memory(NUMBERS)


def test_a_large_answer_is_in_the_budget_until_it_is_sent() -> None:
    body = b'{"signature_name": "wide", "instances": [1]}'
    events: list[tuple[dict[str, Any], int]] = []
    client = Client()

    async def sent(event: dict[str, Any]) -> None:
        events.append((event, client.budget.used))

    reply = asyncio.run(client._ask("POST", PREDICT, [body], {}, sent=sent))
    start, *parts = events
    assert start[0]["type"] == "http.response.start"
    assert len(parts) > 1 and all(used == len(reply.body) for _, used in parts)


def test_a_large_answer_over_http_2_is_in_the_budget_until_the_client_has_read_it() -> None:
    """h2corn takes the whole answer at once. `receive` returns when the client has read the answer."""
    body = b'{"signature_name": "wide", "instances": [1]}'
    client = Client()
    sending: list[int] = []

    async def ask() -> Reply:
        asking = asyncio.create_task(
            client._ask("POST", PREDICT, [body], {}, http_version="2", sent=sent, until_read=read.wait)
        )
        async with asyncio.timeout(10):
            while len(sending) < 2:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)
        assert client.budget.used == sending[-1] and not asking.done()
        read.set()
        return await asking

    async def sent(event: dict[str, Any]) -> None:
        sending.append(client.budget.used)

    read = asyncio.Event()
    reply = asyncio.run(ask())
    assert sending == [len(reply.body), len(reply.body)]


# === The end of the server ===


def test_requests_that_last_too_long_are_ended_when_the_server_stops() -> None:
    client = Client()

    async def ask() -> Reply:
        asking = asyncio.create_task(client._ask("POST", PREDICT, [b"{", b""], {}, stalls=True))
        while not client.api._running:
            await asyncio.sleep(0)
        client.api.expire()
        return await asking

    assert refusal(asyncio.run(ask()), 503) == "The server is stopping."
    assert not client.api._running


def test_a_cancelled_request_has_no_answer(client: Client) -> None:
    async def cancel() -> None:
        asking = asyncio.create_task(client._ask("POST", PREDICT, [b"{", b""], {}, stalls=True))
        while not client.api._running:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(cancel())
    assert not client.api._running and client.budget.used == 0
