"""Runs a server for each setup of the recorded cases.

The server is Keras Gallery's own server, or the program in the environment variable TF_MODEL_SERVER.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from keras_gallery.serving.engines.tensorflow import library
from keras_gallery.serving.launcher import binary
from keras_gallery.serving.ports import free_port

from ..needs_models import REASON
from .asking import ask_grpc, ask_rest, services

HERE = Path(__file__).parent
MODELS = str(HERE / "models")
SETUPS: dict[str, Any] = json.loads((HERE / "setups.json").read_text())
SECONDS = 120  # timeout for a server to become ready


class Running(NamedTuple):
    """The REST address of a running server, and a channel to the server's gRPC port."""

    rest: str
    channel: grpc.Channel

    def ask(self, case: dict[str, Any]) -> Any:
        if "grpc" in case:
            return ask_grpc(case, self.channel, MODELS)
        return ask_rest(case, self.rest, MODELS)


def wait_until_ready(running: Running, process: subprocess.Popen[bytes], ready: dict[str, int], log: Path) -> None:
    """Waits until each model has as many available versions as `ready` says. Raises RuntimeError after `SECONDS`."""
    path, request_type, response_type = services()["GetModelStatus"]
    deadline = time.monotonic() + SECONDS
    for name, count in ready.items():
        request = request_type()
        request.model_spec.name = name
        while True:
            try:
                answer = response_type.FromString(
                    running.channel.unary_unary(path)(request.SerializeToString(), timeout=5)
                )
                states = [version.state for version in answer.model_version_status]
            except grpc.RpcError:
                states = []
            if states.count(30) == count:
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} is not ready: {states}\n{log.read_text()}")
            time.sleep(0.05)


@contextmanager
def serve(setup: dict[str, Any], folder: Path, flags: tuple[str, ...] = ()) -> Iterator[Running]:
    """Runs a server with the given setup during the `with` block."""
    for name, text in setup.get("files", {}).items():
        (folder / name).write_text(text.replace("{models}", MODELS))
    grpc_port, rest_port = free_port(), free_port()
    program = [binary() or ""] if real() else [sys.executable, "-m", "keras_gallery.serving.server.model_server"]
    own = [each.replace("{dir}", str(folder)).replace("{models}", MODELS) for each in setup["flags"]]
    log = folder / "server.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [*program, f"--port={grpc_port}", f"--rest_api_port={rest_port}", *own, *flags],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache")},  # the cache of converted models
            start_new_session=True,
        )
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    try:
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}", options) as channel:
            running = Running(f"127.0.0.1:{rest_port}", channel)
            wait_until_ready(running, process, setup["ready"], log)
            yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def real() -> bool:
    """Returns whether the cases run against a real TensorFlow Serving."""
    return bool(os.environ.get("TF_MODEL_SERVER"))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Returns a function that takes the name of a setup and returns a running server with this setup.

    Only one server runs at a time. To avoid restarts, the tests should be ordered by setup.
    """
    if not real() and library.find() is None:
        pytest.skip(REASON)
    current: list[Any] = []

    def get(name: str) -> Running:
        if not current or current[0] != name:
            leave()
            manager = serve(SETUPS[name], tmp_path_factory.mktemp(name))
            current[:] = [name, manager.__enter__(), manager]
        return current[1]  # type: ignore[no-any-return]

    def leave() -> None:
        if current:
            current[2].__exit__(None, None, None)
            current.clear()

    yield get
    leave()
