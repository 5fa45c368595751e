"""Tests of gRPC's message frames and compression, without a network."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from keras_gallery.serving.api.grpc import protocol
from keras_gallery.serving.api.grpc.protocol import (
    ENCODINGS,
    LARGE_MESSAGE,
    MessageReader,
    frame,
)
from keras_gallery.serving.errors import (
    Cancelled,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    Unimplemented,
)
from keras_gallery.serving.limits import Budget, Share

from ....random_inputs import random_inputs

MIB = 1 << 20

# === Messages ===


class Body:
    """The body of a request in parts. After the last part, the client disconnects or waits."""

    def __init__(self, parts: Iterable[bytes], *, complete: bool = True) -> None:
        self.events: list[dict[str, Any]] = [
            {"type": "http.request", "body": part, "more_body": True} for part in parts
        ]
        if complete and self.events:
            self.events[-1] = {"type": "http.request", "body": self.events[-1]["body"]}  # without "more_body"
        self.count = len(self.events)

    async def receive(self) -> dict[str, Any]:
        return self.events.pop(0) if self.events else {"type": "http.disconnect"}


def reader(
    parts: Sequence[bytes],
    encoding: bytes | None = None,
    *,
    max_bytes: int = 100 * MIB,
    budget: int = 1 << 40,
    complete: bool = True,
) -> MessageReader:
    share = Share(Budget(budget))
    return MessageReader(Body(parts, complete=complete).receive, encoding, max_bytes, share)


def read(*arguments: Any, **options: Any) -> list[bytes]:
    """Reads all messages."""

    async def run() -> list[bytes]:
        found, opened = [], reader(*arguments, **options)
        while (message := await opened.read()) is not None:
            assert type(message) is bytes
            found.append(message)
        assert await opened.read() is None
        return found

    return asyncio.run(run())


def split(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = sorted(place % (len(data) + 1) for place in places)
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


@random_inputs(300)
@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(0), max_size=8))
def test_a_body_may_be_split_anywhere(messages: list[bytes], places: list[int]) -> None:
    data = b"".join(map(frame, messages))
    assert read(split(data, places)) == messages
    if data:
        assert read([bytes([byte]) for byte in data]) == messages


@random_inputs(100)
@given(st.binary(min_size=1, max_size=30), st.integers(0, 34), st.lists(st.integers(0), max_size=4))
def test_a_body_that_ends_within_a_message(message: bytes, size: int, places: list[int]) -> None:
    data = frame(message)[: min(size, len(message) + 4)]
    if not data:
        assert read([b""]) == []
        return
    with pytest.raises(Internal, match=r"^The request ended before the end of its message\.$"):
        read(split(data, places))


def test_a_client_that_disconnects() -> None:
    for parts in ([], [b""], [frame(b"abc")[:-1]]):
        with pytest.raises(Cancelled, match=r"^The client cancelled the call\.$"):
            read(parts, complete=False)


def test_many_small_parts_take_little_memory() -> None:
    data, at = frame(bytes(MIB)), 0

    async def receive() -> dict[str, Any]:
        nonlocal at
        at += 8
        return {"type": "http.request", "body": data[at - 8 : at], "more_body": at < len(data)}

    async def peak() -> int:
        opened = MessageReader(receive, None, MIB, Share(Budget(2 * MIB)))
        tracemalloc.start()
        try:
            assert len(await opened.read() or b"") == MIB
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert asyncio.run(peak()) < 3 * MIB, "a list of the parts would take 7 MiB"


def test_messages_that_are_too_long() -> None:
    assert read([frame(bytes(100))], max_bytes=100) == [bytes(100)]
    for parts in ([frame(bytes(101))], split(frame(bytes(101)), [5]), [frame(bytes(101))[:5]]):
        with pytest.raises(ResourceExhausted, match=r"^Received message larger than max \(101 vs\. 100\)$"):
            read(parts, max_bytes=100)
    with pytest.raises(ResourceExhausted, match=r"\(4294967295 vs\. 100\)"):
        read([b"\0\xff\xff\xff\xff"], max_bytes=100, complete=False)  # before the message has arrived


def read_only(parts: Sequence[bytes], *, left: int = 0, **options: Any) -> bytes:
    """Reads the only message of a body. `left` is the number of parts that are then not yet received."""

    async def run() -> bytes:
        body = Body(parts)
        share = Share(Budget(MIB))
        message = await MessageReader(
            body.receive, options.get("encoding"), options.get("max_bytes", MIB), share
        ).read_only()
        assert type(message) is bytes
        assert len(body.events) == left
        return message

    return asyncio.run(run())


def test_the_only_message_is_read_until_the_end_of_the_body() -> None:
    message = frame(b"abc")
    for parts in ([message], [message, b""], [message[:3], message[3:], b"", b""], [b"", message], split(message, [1])):
        assert read_only(parts) == b"abc"
    assert read_only([message + b"more"] + [message] * 9, left=9) == b"abc"  # further messages are not read
    assert read_only([message, message] + [message] * 9, left=9) == b"abc"
    assert read_only([frame(b"")]) == b""


@random_inputs(200)
@given(st.binary(max_size=40), st.lists(st.integers(0), max_size=5), st.binary(max_size=9))
@example(bytes(LARGE_MESSAGE - 5), [], b"")
@example(bytes(LARGE_MESSAGE - 4), [], b"")
def test_the_only_message_may_be_split_anywhere(message: bytes, places: list[int], more: bytes) -> None:
    parts = split(frame(message), places)
    assert read_only(parts) == message
    assert read_only([*parts[:-1], parts[-1] + more]) == message
    packed_parts = split(packed(gzip.compress(message)), places)
    assert read_only(packed_parts, encoding=b"gzip") == message


def test_errors_of_the_only_message() -> None:
    with pytest.raises(Internal, match=r"^The request has no message\.$"):
        read_only([b""])
    for parts in ([frame(b"abc")[:-1]], [b"\0"], [b"", frame(b"abc")[:-1]]):
        with pytest.raises(Internal, match=r"^The request ended before the end of its message\.$"):
            read_only(parts)
    for size in (101, 2 * LARGE_MESSAGE):
        with pytest.raises(ResourceExhausted, match=rf"\({size} vs\. 100\)"):
            read_only([frame(bytes(size))], max_bytes=100)
    with pytest.raises(Internal, match="without the header grpc-encoding"):
        read_only([packed(b"abc")])
    with pytest.raises(Cancelled):
        asyncio.run(reader([frame(b"abc")], complete=False).read_only())


# === Compression ===

PACK = {b"gzip": partial(gzip.compress, compresslevel=1), b"deflate": partial(zlib.compress, level=1)}


def packed(data: bytes) -> bytes:
    return b"\1" + frame(data)[1:]


@pytest.mark.parametrize("encoding", PACK)
@random_inputs(50)
@given(st.lists(st.binary(max_size=200), max_size=3), st.lists(st.integers(0), max_size=4))
def test_compressed_messages(encoding: bytes, messages: list[bytes], places: list[int]) -> None:
    assert encoding in ENCODINGS
    data = b"".join(packed(PACK[encoding](message)) + frame(message) for message in messages)
    assert read(split(data, places), encoding) == [message for message in messages for _ in range(2)]


@pytest.mark.parametrize("encoding", PACK)
def test_damaged_compressed_messages(encoding: bytes) -> None:
    good = PACK[encoding](b"a" * 1000)
    others = [pack(b"a") for name, pack in PACK.items() if name != encoding]
    for bad in (good[:-1], good[:4], b"", b"words", bytes(20), *others):
        with pytest.raises(Internal, match=r"^The compressed message is damaged\.$"):
            read([packed(bad)], encoding)


@pytest.mark.parametrize("encoding", PACK)
def test_compressed_messages_that_are_too_long(encoding: bytes) -> None:
    pack = PACK[encoding]
    assert read([packed(pack(bytes(100)))], encoding, max_bytes=100) == [bytes(100)]
    with pytest.raises(ResourceExhausted, match="has more than 100 bytes when decompressed"):
        read([packed(pack(bytes(101)))], encoding, max_bytes=100)
    with pytest.raises(ResourceExhausted, match=r"more than \d+ bytes when decompressed"):
        read([packed(pack(bytes(17 * MIB)))], encoding)


@pytest.mark.parametrize("encoding", [None, b"identity"])
def test_a_compressed_message_without_an_encoding(encoding: bytes | None) -> None:
    assert read([frame(b"a")], encoding) == [b"a"]
    with pytest.raises(Internal, match=r"^Compressed message without the header grpc-encoding\.$"):
        read([packed(gzip.compress(b"a"))], encoding)


@pytest.mark.parametrize("encoding", [b"snappy", b"", b"GZIP", b"gzip, deflate", b"br"])
def test_unknown_encodings(encoding: bytes) -> None:
    with pytest.raises(Unimplemented, match=r"^Unknown compression in the header grpc-encoding\. Known: identity, "):
        reader([], encoding)


# === Memory ===


def test_large_messages_are_taken_from_the_budget_as_they_arrive() -> None:
    async def run() -> None:
        share = Share(Budget(10 * MIB))
        data = frame(bytes(MIB))
        held = []
        body = Body(split(data, range(0, len(data), 100_000)))

        async def receive() -> dict[str, Any]:
            held.append(share.held)
            return await body.receive()

        await MessageReader(receive, None, MIB, share).read()
        assert held[0] == held[1] == 0 and held == sorted(held) and held[5] == 400_000
        assert share.held == len(data)
        share.release()
        await MessageReader(Body([data]).receive, None, MIB, share).read()
        assert share.held == len(data), "also if the message arrives in one part"

    asyncio.run(run())


def test_small_messages_are_not_in_the_budget() -> None:
    assert read(split(frame(bytes(LARGE_MESSAGE - 5)), [100]), budget=0) == [bytes(LARGE_MESSAGE - 5)]


@pytest.mark.parametrize("encoding", [None, *PACK])
def test_the_budget_is_used_up(encoding: bytes | None) -> None:
    async def run() -> None:
        budget = Budget(100_000)
        budget.take(budget.limit - 50_000)  # another request
        data = frame(bytes(60_000)) if encoding is None else packed(PACK[encoding](bytes(60_000)))
        opened = MessageReader(Body(split(data, [5])).receive, encoding, MIB, Share(budget))
        with pytest.raises(ResourceExhausted, match=r"^The memory budget for requests is used up\. Retry later\.$"):
            await opened.read()
        assert budget.used <= budget.limit

    asyncio.run(run())


# === The body of a call with one message ===


def test_a_message_is_unpacked_after_the_end_of_the_body() -> None:
    """Otherwise a client could hold the memory of the unpacked message with a few bytes."""
    budget = Budget(MIB)
    seen = []

    async def receive() -> dict[str, Any]:
        seen.append(budget.used)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    parts = [packed(gzip.compress(bytes(MIB // 2))), b"", b""]
    share = Share(budget)
    assert asyncio.run(MessageReader(receive, b"gzip", MIB, share).read_only()) == bytes(MIB // 2)
    assert seen == [0, 0, 0] and budget.used > MIB // 2


def test_a_body_that_is_not_complete_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.01)

    async def receive() -> dict[str, Any]:
        if parts:
            return {"type": "http.request", "body": parts.pop(0), "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    for first in (b"", b"\0\0", frame(b"abc")):
        parts = [first]
        with pytest.raises(DeadlineExceeded, match=r"^The request was not complete within 0\.01 s\.$"):
            asyncio.run(MessageReader(receive, None, MIB, Share(Budget(MIB))).read_only())


@pytest.mark.parametrize("encoding", PACK)
def test_large_messages_are_unpacked_in_steps(encoding: bytes) -> None:
    message = np.random.default_rng(0).integers(0, 4, 6 * MIB, np.uint8).tobytes()
    compressed = PACK[encoding](message)
    assert len(compressed) > protocol.QUICK_UNPACK
    assert read([packed(compressed)], encoding) == [message]
    with pytest.raises(Internal, match="damaged"):
        read([packed(compressed[:-9])], encoding)
    with pytest.raises(Internal, match="damaged"):
        read([packed(compressed[:1000] + bytes(1000) + compressed[2000:])], encoding)
    with pytest.raises(ResourceExhausted, match="has more than 6291455 bytes"):
        read([packed(compressed)], encoding, max_bytes=6 * MIB - 1)
    budget = Budget(6 * MIB)
    budget.take(MIB)  # another request
    with pytest.raises(ResourceExhausted, match="memory budget"):
        asyncio.run(MessageReader(Body([packed(compressed)]).receive, encoding, 9 * MIB, Share(budget)).read_only())
