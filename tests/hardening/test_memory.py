"""Tests of the memory budget that all requests share, on a server with a very small budget."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from keras_gallery.serving import limits
from keras_gallery.serving.api.grpc.protocol import CONTROL_BYTES

from . import http2
from .abused import BODY, MODEL, PREDICT, SMALL, STATUS, AbusedServer, eventually, request, resident
from .conftest import BOUNDS

pytestmark = pytest.mark.long

BUDGET = 8 << 20
PATH = f"/v1/models/{MODEL}:predict"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def server(base_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AbusedServer]:
    log = tmp_path_factory.mktemp("server") / "server.log"
    bounds = {**BOUNDS, "api.rest.body__BODY_SECONDS": 60.0, "limits__MEMORY_SHARE": BUDGET / limits.memory()}
    with AbusedServer(base_path, log, **bounds) as running:
        yield running
        running.check()
    assert "Traceback" not in log.read_text(), log.read_text()


def test_many_large_bodies(server: AbusedServer) -> None:
    """When the memory budget is used up, the server refuses the largest requests and still answers small requests."""
    with contextlib.ExitStack() as clients:
        sending = [clients.enter_context(server.connect()) for _ in range(10)]
        for client in sending:
            with contextlib.suppress(ConnectionError):
                client.sendall((HEAD % (4 << 20)).encode() + bytes(2 << 20))
            server.check()
        answers = []
        for client in sending:
            client.settimeout(0.5)
            with contextlib.suppress(TimeoutError, ConnectionError):
                answers.append(client.recv(1 << 16))
    assert len(answers) >= 6 and all(answer.startswith(b"HTTP/1.1 429 ") for answer in answers)
    server.check()


def test_one_body_above_the_memory_budget(server: AbusedServer) -> None:
    """A single body may exceed the budget. The memory for parsing a body may not exceed the budget."""
    status, answer = server.rest("POST", PATH, BODY + b" " * (2 * BUDGET))
    assert status == 429 and b"The memory budget for requests is used up" in answer
    status, answer = server.rest("POST", PATH, BODY + b" " * (BUDGET // 3))
    assert status == 200, answer


def test_answers_over_rest_that_are_not_read(server: AbusedServer) -> None:
    rows = json.dumps({"instances": [[0] * 8] * 20_000}, separators=(",", ":")).encode()
    with server.bounded_memory(), contextlib.ExitStack() as clients:
        for _ in range(20):
            client = clients.enter_context(server.connect())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
            with contextlib.suppress(OSError):
                client.sendall(((HEAD % len(rows)).encode() + rows) * 8)
        server.check()


@pytest.mark.parametrize(("method", "most"), [(PREDICT, (1 << 31) - 1), (STATUS, CONTROL_BYTES)])
def test_grpc_decompression_bombs(server: AbusedServer, method: str, most: int) -> None:
    """Without --max_request_bytes, the maximum decompressed size depends on the compressed size."""
    before = resident(server.process.pid, "VmHWM")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        calls = [
            channel.unary_unary(method).future(bytes(2 * SMALL), timeout=60, compression=grpc.Compression.Gzip)
            for _ in range(8)
        ]
        assert {call.code() for call in calls} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        text = r"Compressed request of (\d+) bytes has more than (\d+) bytes when decompressed: "
        sizes = [match for call in calls if (match := re.match(text, call.details()))]
        assert sizes and all(int(each[2]) == min(most, limits.MAX_RATIO * int(each[1])) for each in sizes)
        others = [call.details() for call in calls if not re.match(text, call.details())]  # many at the same time
        assert set(others) <= {"The memory budget for requests is used up. Retry later."}
    assert resident(server.process.pid, "VmHWM") < before + SMALL
    server.check()


def test_answers_over_grpc_that_are_not_read(server: AbusedServer) -> None:
    """The server refuses calls with large answers until the clients are gone. It answers other calls at any time."""
    large = request(np.zeros((1900, 8), np.float32))  # fits into the initial flow-control window
    call = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.call(PREDICT))
    no_window = http2.PREFACE + http2.frame(http2.SETTINGS, payload=b"\0\4\0\0\0\0")
    with server.bounded_memory(), contextlib.ExitStack() as clients:
        for _ in range(200):
            client = clients.enter_context(server.connect(rest=False))
            client.sendall(no_window + call + _data(http2.message(large)))
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            predict = channel.unary_unary(PREDICT)
            eventually(lambda: predict.future(large, timeout=60).code() is grpc.StatusCode.RESOURCE_EXHAUSTED)
            server.check()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        predict = channel.unary_unary(PREDICT)
        eventually(lambda: predict.future(large, timeout=60).code() is grpc.StatusCode.OK)


def _data(message: bytes) -> bytes:
    """Splits a message into DATA frames of HTTP/2's initial maximum size."""
    parts = [message[at : at + 16384] for at in range(0, len(message), 16384)]
    last = len(parts) - 1
    return b"".join(http2.frame(http2.DATA, at == last, 1, part) for at, part in enumerate(parts))
