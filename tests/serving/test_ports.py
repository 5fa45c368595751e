"""Tests of reserved ports, and of Unix sockets that a server has left behind."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from keras_gallery.serving.ports import BACKLOG, PortInUse, free_port, listen, listen_unix, remove_unix, reserve

SECONDS = 10


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    if request.param == "::1":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("no IPv6")
    return str(request.param)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


# === TCP ports ===


def test_clients_that_have_gone_are_noticed(host: str, stack: ExitStack) -> None:
    listening = stack.enter_context(listen(host, port_of(stack.enter_context(reserve(host, 0, "port")))))
    target = "127.0.0.1" if host == "0.0.0.0" else host
    stack.enter_context(socket.create_connection((target, port_of(listening)), timeout=SECONDS))
    connection = stack.enter_context(listening.accept()[0])
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_several_processes_listen_on_a_reserved_port(host: str, stack: ExitStack) -> None:
    port = port_of(stack.enter_context(reserve(host, 0, "port")))
    listening = [stack.enter_context(listen(host, port)) for _ in range(3)]
    assert {port_of(each) for each in listening} == {port}
    target = "127.0.0.1" if host == "0.0.0.0" else host
    accepted = 0
    for _ in range(60):  # the system chooses the socket, by a hash of the client's port
        stack.enter_context(socket.create_connection((target, port), timeout=SECONDS))
    for each in listening:
        each.setblocking(False)
        served = 0
        try:
            while True:
                stack.enter_context(each.accept()[0])
                served += 1
        except BlockingIOError:
            accepted += served
        assert served > 0, "the connections are spread"
    assert accepted == 60
    assert BACKLOG >= 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has filters that choose a socket")
def test_the_port_of_the_client_chooses_the_socket(host: str, stack: ExitStack) -> None:
    port = port_of(stack.enter_context(reserve(host, 0, "port")))
    listening = [stack.enter_context(listen(host, port, workers=3)) for _ in range(3)]
    target = "127.0.0.1" if host == "0.0.0.0" else host
    clients = [stack.enter_context(socket.create_connection((target, port), timeout=SECONDS)) for _ in range(60)]
    expected: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for client in clients:
        expected[port_of(client) // 16 % 3].append(port_of(client))
    for number, each in enumerate(listening):
        each.settimeout(SECONDS)
        accepted = [stack.enter_context(each.accept()[0]) for _ in expected[number]]
        assert [connection.getpeername()[1] for connection in accepted] == expected[number]


def test_a_reserved_port_does_not_accept_connections(stack: ExitStack) -> None:
    port = port_of(stack.enter_context(reserve("127.0.0.1", 0, "port")))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def test_a_port_cannot_be_reserved_twice(host: str, stack: ExitStack) -> None:
    port = port_of(stack.enter_context(reserve(host, 0, "port")))
    message = rf"^Cannot listen on {host}:{port} \(--rest_api_port\): Address already in use\.$"
    with pytest.raises(PortInUse, match=message):
        reserve(host, port, "rest_api_port")
    stack.enter_context(listen(host, port))
    with pytest.raises(PortInUse, match=message):
        reserve(host, port, "rest_api_port")


def test_a_port_of_another_process_cannot_be_reserved(host: str, stack: ExitStack) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = stack.enter_context(socket.create_server((host, 0), family=family))
    with pytest.raises(PortInUse, match=r"\(--port\): Address already in use\.$"):
        reserve(host, port_of(taken), "port")


def test_a_port_can_be_reserved_again_after_it_was_closed(host: str) -> None:
    with reserve(host, 0, "port") as first:
        port = port_of(first)
    with reserve(host, port, "port") as second:
        assert port_of(second) == port


def test_a_restart_right_after_connections_ended(stack: ExitStack) -> None:
    """The server has closed a connection first, so the system remembers the connection for some time (TIME_WAIT)."""
    held = reserve("127.0.0.1", 0, "port")
    port = port_of(held)
    with held, listen("127.0.0.1", port) as listening:
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
        accepted, _ = listening.accept()
        accepted.close()
        assert client.recv(1) == b""
        client.close()
    with closing(socket.socket()) as strict, pytest.raises(OSError, match="Address already in use"):
        strict.bind(("127.0.0.1", port))  # the connection is still remembered
    stack.enter_context(reserve("127.0.0.1", port, "port"))
    listening = stack.enter_context(listen("127.0.0.1", port))
    stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
    stack.enter_context(listening.accept()[0])


def test_an_address_of_another_machine() -> None:
    with pytest.raises(PortInUse, match=r"^Cannot listen on 192\.0\.2\.1:1 \(--port\): "):
        reserve("192.0.2.1", 1, "port")


def test_free_ports_are_free() -> None:
    with reserve("127.0.0.1", free_port(), "port"):
        pass


# === Unix sockets ===


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)  # the path of a Unix socket must be short
    yield "socket"


def connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(path)


def test_a_unix_socket(path: str) -> None:
    with listen_unix(path) as listening:
        connect(path)
        listening.accept()[0].close()


def test_a_socket_that_a_killed_server_left_behind_is_replaced(path: str) -> None:
    code = (
        "import os, signal\nfrom keras_gallery.serving.ports import listen_unix\n"
        f"listening = listen_unix({path!r})\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    with pytest.raises(ConnectionRefusedError):
        connect(path)
    with listen_unix(path):
        connect(path)


def test_the_socket_of_a_live_server_is_not_replaced(path: str) -> None:
    with listen_unix(path):
        message = rf"^Cannot listen on {path} \(--grpc_socket_path\): another process listens on it\.$"
        with pytest.raises(PortInUse, match=message):
            listen_unix(path)
        connect(path)


def test_the_socket_of_a_server_that_does_not_accept_is_not_replaced(path: str, stack: ExitStack) -> None:
    busy = stack.enter_context(socket.socket(socket.AF_UNIX))
    busy.bind(path)
    busy.listen(0)
    with pytest.raises(BlockingIOError):
        while True:  # until the queue is full
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            client.connect(path)
    with pytest.raises(PortInUse, match=r"\(--grpc_socket_path\): "):
        listen_unix(path)


def test_a_file_that_is_no_socket_is_not_replaced(path: str) -> None:
    Path(path).write_text("data")
    with pytest.raises(PortInUse, match=r"\(--grpc_socket_path\): Address already in use\.$"):
        listen_unix(path)
    assert Path(path).read_text() == "data"


@pytest.mark.parametrize("bad", ["no/such/folder", "a" * 200])
def test_paths_that_cannot_be_used(path: str, bad: str) -> None:
    with pytest.raises(PortInUse, match=rf"^Cannot listen on {bad} \(--grpc_socket_path\): ") as caught:
        listen_unix(bad)
    assert "\n" not in str(caught.value)


def test_the_socket_of_another_server_stays(path: str, stack: ExitStack) -> None:
    """The path was removed while the first server runs, and a second server listens on the same path."""
    stack.enter_context(listen_unix(path))
    first = os.stat(path)
    os.unlink(path)
    stack.enter_context(listen_unix(path))
    remove_unix(path, first)
    assert Path(path).is_socket()
    remove_unix(path, os.stat(path))
    assert not Path(path).exists()
    remove_unix(path, first)
