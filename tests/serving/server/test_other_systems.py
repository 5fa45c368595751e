"""Runs the server without what other systems lack: shared ports, Unix sockets, signal handlers of the event loop."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from keras_gallery.serving.ports import free_port

from ...hardening import line_model

# Also hides TensorFlow, uvloop, and the modules that Windows does not have.
SERVER = """
import asyncio, signal, socket, sys

pair, family = socket.socketpair, socket.AF_UNIX
socket.socketpair = lambda *arguments: pair(family)  # the event loop itself needs a pair of sockets
del socket.SO_REUSEPORT, socket.AF_UNIX, signal.SIGHUP
for name in ("fcntl", "resource", "uvloop", "tensorflow"):
    sys.modules[name] = None

class Loop(asyncio.SelectorEventLoop):
    def add_signal_handler(self, number, function, *arguments):
        raise NotImplementedError

class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        return Loop()

asyncio.set_event_loop_policy(Policy())
from keras_gallery.serving.server.model_server import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    line_model.write(tmp_path / "m" / "1")
    return tmp_path / "m"


def start(*flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SERVER, *flags], stderr=subprocess.PIPE, text=True)


def test_the_server_answers_and_stops(model: Path) -> None:
    port, rest_port = free_port(), free_port()
    with start(
        f"--port={port}", f"--rest_api_port={rest_port}", "--model_name=m", f"--model_base_path={model}"
    ) as server:
        try:
            url = f"http://127.0.0.1:{rest_port}/v1/models/m:predict"
            for _ in range(300):
                try:
                    answer = httpx.post(url, json={"instances": [[1.0] * 8]}, timeout=10)
                    if answer.status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                assert server.poll() is None
                time.sleep(0.1)
            assert answer.json() == {"predictions": [[3.0] * 8]}
        finally:
            server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=30)
        assert server.returncode == 0, errors
        assert "One process answers all requests" in errors


def test_a_unix_socket_is_refused_in_one_line(model: Path, tmp_path: Path) -> None:
    flags = (f"--grpc_socket_path={tmp_path / 'socket'}", "--model_name=m", f"--model_base_path={model}")
    with start(f"--port={free_port()}", *flags) as server:
        _, errors = server.communicate(timeout=60)
    assert server.returncode == 2
    assert errors.splitlines()[-1].endswith("(--grpc_socket_path): this system has no Unix sockets.")
