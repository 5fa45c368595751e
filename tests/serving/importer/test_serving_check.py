"""Tests of the server that an import starts to compare the outputs: who can reach it, and what it may do."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest
from keras_gallery.serving.config import flags
from keras_gallery.serving.errors import FailedPrecondition, ResourceExhausted
from keras_gallery.serving.importer import serving_check
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.wire import predict

LIMITS: dict[str, Any] = {"memory": 1 << 30, "seconds": 60.0, "limit": 90.0}


class Server(ServerProcess):
    """Records the command lines instead of running them."""

    commands: list[list[str]] = []

    def __enter__(self) -> Self:
        self.commands.append(self.command)
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.close()

    def wait_until_ready(self, *_: Any, **__: Any) -> None:
        """Does nothing."""


@pytest.mark.parametrize("trust", [False, True])
def test_only_this_machine_reaches_the_server(trust: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "ServerProcess", Server)
    assert "no warm-up request" in serving_check.compare("m", tmp_path, tmp_path, trust=trust, **LIMITS)
    command = Server.commands[-1]
    values = flags.parse(command[command.index("keras_gallery.serving.server.model_server") + 1 :])
    assert values.host == "127.0.0.1"
    assert not values.allow_reload
    assert values.restrict_models is not trust


def served_by(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Runs a Python program instead of the server."""

    class Program(ServerProcess):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.command = [sys.executable, "-c", program]

    monkeypatch.setattr(serving_check, "ServerProcess", Program)


def test_a_server_that_takes_too_long_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served_by(monkeypatch, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(ResourceExhausted, match=r"^The import takes more than 90 s \(--max-seconds allows more\)$"):
        serving_check.compare("m", tmp_path, tmp_path, **LIMITS | {"seconds": 1.0})
    assert time.monotonic() < begun + 15


def test_the_server_and_its_processes_have_a_memory_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = "bytearray(2 << 30)"
    served_by(monkeypatch, f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])")
    with pytest.raises(ResourceExhausted, match=r"^The model needs more than 1.0 GiB of memory \(--max-memory allows"):
        serving_check.compare("m", tmp_path, tmp_path, **LIMITS)


def test_a_response_that_is_larger_than_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import grpc

    class Metadata(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(lambda *_: bytes(5000))

    server = grpc.server(ThreadPoolExecutor(1), [Metadata()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setattr(serving_check, "free_port", lambda: port)
    monkeypatch.setattr(serving_check, "ServerProcess", Server)
    monkeypatch.setattr(serving_check, "SPARE_BYTES", 1000)
    (tmp_path / "0.pb").write_bytes(bytes(1000))
    record = SimpleNamespace(request=SimpleNamespace(spec=SimpleNamespace(signature="s"), inputs={}))
    monkeypatch.setattr(serving_check.warmup, "read", lambda version: [record])
    try:
        with pytest.raises(ResourceExhausted, match=r"larger than max \(5000 vs. 3000\)"):
            serving_check.compare("m", tmp_path, tmp_path, **LIMITS)
    finally:
        server.stop(0)


def test_a_server_that_fails_for_another_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served_by(monkeypatch, "import sys; sys.exit(3)")
    with pytest.raises(FailedPrecondition, match="ended with exit status 3"):
        serving_check.compare("m", tmp_path, tmp_path, **LIMITS)


@pytest.mark.parametrize(
    ("received", "message"),
    [
        ({"mean": [1, 2], "sample": [5, 6]}, ""),
        ({"mean": [1, 2]}, "Expected outputs mean, sample of signature s from the server. Received: mean"),
        ({"mean": [1, 3], "sample": [5, 6]}, "output mean of signature s is off by"),
    ],
)
def test_outputs_of_the_server(
    received: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {"mean": np.array([1, 2], np.float32), "sample": np.array([5, 6], np.float32)}
    (tmp_path / "0.pb").write_bytes(predict.encode_response(predict.ModelSpec("m"), arrays))
    record = SimpleNamespace(request=SimpleNamespace(spec=SimpleNamespace(signature="s"), inputs={}))
    monkeypatch.setattr(serving_check.warmup, "read", lambda version: [record])
    answers = {key: np.array(value, np.float32) for key, value in received.items()}
    client: Any = SimpleNamespace(predict=lambda *_, **__: answers)
    with pytest.raises(FailedPrecondition, match=message) if message else nullcontext():
        worst, compared, random = serving_check._differences(client, "m", tmp_path, tmp_path)
        assert (worst, compared, random) == (0.0, ["s"], [])
