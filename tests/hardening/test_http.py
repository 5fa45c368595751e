"""Tests of the REST port with malformed, huge and slow requests over plain sockets."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import socket
from typing import Any

import pytest

from .abused import BODY, MODEL, SMALL, AbusedServer, Y, eventually, resident, tell
from .conftest import MAX_REQUEST_BYTES

PATH = f"/v1/models/{MODEL}:predict"
GOOD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (PATH.encode(), len(BODY), BODY)


def head(*lines: str, method: str = "POST", path: str = PATH) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def statuses(answer: bytes) -> list[int]:
    """Returns the HTTP statuses of the answers in `answer`."""
    return [int(status) for status in re.findall(rb"(?:^|\n|[}\]])HTTP/1\.1 (\d{3}) ", answer)]


def receive(client: socket.socket) -> tuple[int, Any]:
    """Reads the next response. Returns the response's status and JSON document."""
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return answer.status, json.loads(answer.read())


# === Invalid requests ===

REFUSED = {
    "noise": bytes(range(256)),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "no_version": b"GET / \r\n\r\n",
    "http_1_0": b"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
    "another_version": b"GET / HTTP/4.2\r\nHost: x\r\n\r\n",
    "no_host": b"GET / HTTP/1.1\r\n\r\n",
    "connect": b"CONNECT localhost:22 HTTP/1.1\r\nHost: x\r\n\r\n",
    "nul_in_path": b"GET /v1/models/\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "nul_in_header": head("A: \0"),
    "bare_newline_in_header": head("A: b\rc"),
    "two_lengths": head("Content-Length: 5", "Content-Length: 6") + b"123456",
    "length_and_chunks": head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "negative_length": head("Content-Length: -1"),
    "hexadecimal_length": head("Content-Length: 0x10"),
    "length_of_30_digits": head(f"Content-Length: {'9' * 30}"),
    "chunk_size_that_is_no_number": head("Transfer-Encoding: chunked") + b"zz\r\n",
    "chunk_size_of_30_digits": head("Transfer-Encoding: chunked") + b"f" * 30 + b"\r\n",
    "chunk_longer_than_its_size": head("Transfer-Encoding: chunked") + b"1\r\nabc\r\n",
    "long_path": head(path="/" + "a" * (1 << 17), method="GET"),
    "long_header": head(f"A: {'a' * (1 << 17)}"),
    "many_headers": head(*["A: b"] * 40_000),
    "long_trailer": head("Transfer-Encoding: chunked") + b"0\r\n" + b"A: b\r\n" * 40_000,
    "long_chunk_extension": head("Transfer-Encoding: chunked") + b"1;" + b"a" * (1 << 20),
}


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_requests_close_the_connection(server: AbusedServer, case: str) -> None:
    """The server answers at most with an error without a body."""
    answer = server.tell(REFUSED[case])
    assert len(statuses(answer)) <= 1 and set(statuses(answer)) <= {400, 414, 431, 501}
    assert not answer or b"connection: close" in answer


def test_chunks_that_are_too_large(server: AbusedServer) -> None:
    answer = server.tell(head("Transfer-Encoding: chunked") + b"10000\r\n%s\r\n" % bytes(1 << 16) * 80)
    if answer:  # h2corn closes the connection while the client still sends, so the answer may be lost
        assert statuses(answer) == [413]
        assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]


@pytest.mark.parametrize("length", [MAX_REQUEST_BYTES + 1, 1 << 60])
def test_a_length_above_the_limit_is_refused_before_the_body(server: AbusedServer, length: int) -> None:
    with server.connect() as client:
        client.sendall(head(f"Content-Length: {length}"))
        message = f"Received message larger than max ({length} vs. {MAX_REQUEST_BYTES})"
        assert receive(client) == (413, {"error": message})
        assert client.recv(1) == b""  # the server has closed the connection


def test_a_client_that_sends_too_much_can_read_the_error(server: AbusedServer) -> None:
    status, answer = server.rest("POST", PATH, bytes(MAX_REQUEST_BYTES + 1))
    assert status == 413 and b"larger than max" in answer


ENDLESS = {
    "path": (b"GET /", b"a"),
    "header": (b"GET / HTTP/1.1\r\nA: ", b"a"),
    "headers": (b"GET / HTTP/1.1\r\n", b"A: b\r\n"),
    "lines": (b"", b"\r\n"),
    "chunk_extension": (head("Transfer-Encoding: chunked") + b"1;", b"a"),
    "trailers": (head("Transfer-Encoding: chunked") + b"0\r\n", b"A: b\r\n"),
}


@pytest.mark.parametrize("case", ENDLESS)
@pytest.mark.long
def test_endless_headers(server: AbusedServer, case: str) -> None:
    """The server closes the connection instead of storing endless headers."""
    start, repeated = ENDLESS[case]
    with server.bounded_memory(), server.connect() as client:
        with pytest.raises(ConnectionError):  # when the server closes the connection
            client.sendall(start)
            for _ in range(1 << 20):
                client.sendall(repeated * ((1 << 18) // len(repeated)))


# === Valid requests ===


def test_pipelined_requests(server: AbusedServer) -> None:
    answer = server.tell(GOOD * 20)
    assert statuses(answer) == [200] * 20


def test_too_many_pipelined_requests(server: AbusedServer) -> None:
    with server.bounded_memory():
        answer = server.tell(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 200_000)
        assert set(statuses(answer)) <= {404}


def test_a_bad_request_after_a_good_one(server: AbusedServer) -> None:
    """The server answers the good request before it closes the connection."""
    answer = server.tell(GOOD + b"\0\0\0\0")
    assert statuses(answer)[0] == 200 and set(statuses(answer)[1:]) <= {400, 501}


def test_one_byte_at_a_time(server: AbusedServer) -> None:
    with server.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(GOOD)):
            client.sendall(GOOD[at : at + 1])
        assert receive(client) == (200, {"predictions": Y})


def test_one_byte_chunks_with_extensions_and_trailers(server: AbusedServer) -> None:
    chunks = b"".join(b"1;a=b\r\n%c\r\n" % byte for byte in BODY)
    answer = server.tell(head("Transfer-Encoding: chunked") + chunks + b"0\r\nA: b\r\n\r\n")
    assert statuses(answer) == [200]


def test_expect_continue(server: AbusedServer) -> None:
    with server.connect() as client:
        client.sendall(head(f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(BODY)
        assert receive(client) == (200, {"predictions": Y})


def test_an_offer_of_another_protocol_is_ignored(server: AbusedServer) -> None:
    """Java's HTTP client sends such headers with its first request. The server answers this and the next request."""
    offer = head(
        "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk",
        f"Content-Length: {len(BODY)}",
    )  # fmt: skip
    assert statuses(server.tell(offer + BODY + GOOD)) == [200, 200]
    answer = server.tell((offer + BODY) * 2_000)
    assert set(statuses(answer)) <= {200}


def test_websockets_are_refused(server: AbusedServer) -> None:
    offer = head(
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", method="GET", path="/v1/models/line",
    )  # fmt: skip
    assert statuses(server.tell(offer)) == [403]


NAMES = ["..", "%2e%2e", "%2E%2e%2f%2e%2e%2fetc", "%00", "a%00b", "%ff%fe", "a" * 30_000, "%F0%9F%98%80", "%", "%zz"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("path", ["/v1/models/{}", "/v1/models/{}:predict", "/v1/models/line/labels/{}", "/{}"])
def test_malicious_names(server: AbusedServer, path: str, name: str) -> None:
    for method in ("GET", "POST"):
        status, answer = server.rest(method, path.format(name), b"{}")
        assert status in (400, 404) or (status == 200 and method == "GET" and "labels" in path)
        assert b"Traceback" not in answer and b"root:" not in answer


# === Slow clients ===


@pytest.mark.long
def test_incomplete_requests(server: AbusedServer) -> None:
    """The server closes connections with incomplete requests. Until then, it answers other clients."""
    parts = [b"POST", GOOD.partition(b"\r\n")[0], GOOD[:-100], GOOD[:-1]]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in parts]
        for client, part in zip(clients, parts, strict=True):
            client.sendall(part)
        server.check()
        for client, part in zip(clients, parts, strict=True):
            answer = b""
            while more := client.recv(1 << 16):
                answer += more
            assert statuses(answer) == ([408] if b"\r\n\r\n" in part else []), part


@pytest.mark.long
def test_slow_bodies(server: AbusedServer) -> None:
    """A client cannot extend the timeout of a body by sending a byte now and then."""
    with server.connect() as client:
        client.sendall(GOOD[: -len(BODY)])
        client.settimeout(0.2)
        for at in range(100):
            try:
                assert client.recv(1 << 16).startswith(b"HTTP/1.1 408 ")
                return
            except TimeoutError:
                client.sendall(BODY[at : at + 1])
    raise AssertionError("the server never refused the request")


@pytest.mark.long
def test_idle_connections_are_closed(server: AbusedServer) -> None:
    with server.connect() as client:
        client.sendall(GOOD)
        assert receive(client) == (200, {"predictions": Y})
        assert client.recv(1 << 16) == b""


@pytest.mark.long
def test_an_answer_that_is_never_read(server: AbusedServer) -> None:
    """The server closes the connection after a timeout."""
    rows = json.dumps({"instances": [[1] * 8] * 200_000}, separators=(",", ":")).encode()
    with server.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        client.sendall(head(f"Content-Length: {len(rows)}") + rows)
        server.check()
        eventually(lambda: _is_reset(client))


def _is_reset(client: socket.socket) -> bool:
    try:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    except OSError:
        return True
    return False


@pytest.mark.long
def test_endless_requests_whose_answers_are_never_read(server: AbusedServer) -> None:
    with server.bounded_memory(), server.connect() as client:
        client.settimeout(3)
        with contextlib.suppress(OSError):  # the server stops reading
            for _ in range(10_000):
                client.sendall(b"GET /v1/models/line/metadata HTTP/1.1\r\nHost: x\r\n\r\n" * 20)


# === Compressed bodies ===


def packed(body: bytes) -> bytes:
    data = gzip.compress(body, mtime=0)
    return head("Content-Encoding: gzip", f"Content-Length: {len(data)}") + data


def test_a_compressed_body(server: AbusedServer) -> None:
    assert statuses(server.tell(packed(BODY))) == [200]


@pytest.mark.long
def test_http_decompression_bombs(server: AbusedServer) -> None:
    """A decompression bomb is a body that decompresses to a thousand times its size.

    The server refuses several bombs at the same time, without decompressing them completely.
    """
    bomb = packed(b" " * (64 << 20))
    before = resident(server.process.pid, "VmHWM")
    clients = [server.connect() for _ in range(4)]
    try:
        for client in clients:
            client.sendall(bomb)
        for client in clients:
            answer = tell(client, b"")
            assert statuses(answer) == [429] and b"when decompressed" in answer
    finally:
        for client in clients:
            client.close()
    assert resident(server.process.pid, "VmHWM") < before + 2 * SMALL
    server.check()
