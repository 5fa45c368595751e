"""Tests with hundreds or thousands of idle connections."""

from __future__ import annotations

import contextlib
import resource
import socket
from pathlib import Path

import grpc
import pytest
from keras_gallery.serving import limits

from . import http2
from .abused import MODEL, PREDICT, AbusedServer, eventually, request, resident

pytestmark = pytest.mark.long

IDLE = 10_000
PER_CONNECTION = 32 << 10  # maximum memory of an idle connection in bytes


@pytest.fixture(autouse=True, scope="module")
def many_files() -> None:
    limits.raise_open_files()


@pytest.mark.parametrize("face", ["rest", "grpc"])
def test_idle_connections(server: AbusedServer, face: str) -> None:
    """The server still answers requests, and an idle connection needs little memory."""
    count = min(IDLE, limits.connections() - 100)
    server.check()
    before = resident(server.process.pid)
    with contextlib.ExitStack() as clients:
        for _ in range(count):
            client = clients.enter_context(server.connect(rest=face == "rest"))
            if face == "grpc":
                client.sendall(http2.start())
        server.check()
        assert resident(server.process.pid) < before + count * PER_CONNECTION
        client.settimeout(5)
        if face == "rest":  # the last connection still works
            client.sendall(f"GET /v1/models/{MODEL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    eventually(lambda: server.open_files() < 200)


def test_more_connections_than_the_limit(base_path: Path, tmp_path: Path) -> None:
    """The server closes connections that send nothing, and then accepts the connections that wait.

    The server always has file descriptors left for other purposes.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    bounds = {"limits__MAX_OPEN_FILES": 600, "api__front__HANDSHAKE_SECONDS": 2}
    with contextlib.ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))  # the server process inherits this limit
        try:
            server = stack.enter_context(AbusedServer(base_path, tmp_path / "log", **bounds))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            predict = channel.unary_unary(PREDICT)
            predict(request(), timeout=60)
            with contextlib.suppress(ConnectionError):
                for _ in range(400):
                    stack.enter_context(server.connect(rest=False)).sendall(http2.start())
            first = stack.enter_context(server.connect())
            for _ in range(400):
                last = stack.enter_context(server.connect())
            assert _ends(first)
            last.sendall(f"GET /v1/models/{MODEL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert last.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
            assert server.rest("GET", f"/v1/models/{MODEL}")[0] == 200
            assert server.open_files() < 500
            predict(request(), timeout=60)
    assert "Traceback" not in (tmp_path / "log").read_text()


def _ends(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
