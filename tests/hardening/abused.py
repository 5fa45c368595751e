"""A server process for hardening tests, with methods that check the answers and the memory of the server."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self

import grpc
import numpy as np
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.wire import messages, predict
from keras_gallery.serving.wire.predict import ModelSpec

from .. import waiting

eventually = partial(waiting.until, seconds=30, pause=0.02)

MODEL = "line"
SMALL = 64 << 20  # limit for additional memory in bytes
X = np.arange(8, dtype=np.float32).reshape(1, 8)
Y = (X * 2 + 1).tolist()
BODY = json.dumps({"instances": X.tolist()}).encode()
PREDICT = "/tensorflow.serving.PredictionService/Predict"
RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"

# Runs the server with other limits: arguments `module.NAME=number` before the flags replace constants. The script makes
# `import tensorflow` fail, so that OpenVINO must answer all requests.
_START = """
import importlib, sys
sys.modules["tensorflow"] = None
from keras_gallery.serving.server import model_server
while "=" in sys.argv[1] and not sys.argv[1].startswith("-"):
    name, _, value = sys.argv.pop(1).partition("=")
    module, _, name = name.rpartition(".")
    setattr(importlib.import_module("keras_gallery.serving." + module), name, float(value))
sys.exit(model_server.main())
"""


class AbusedServer:
    """The embedded server (serving/server) with the model `line` (y = 2x + 1 on rows of eight numbers).

    Args:
        base_path: the model's base path.
        log: the file for the server's output.
        flags: additional flags.
        workers: the number of worker processes.
        bounds: new values for constants of the server, such as `api__http__protocol__HEAD_SECONDS`. `__` stands for a
            dot. With several workers, this changes only the manager's process.
    """

    def __init__(self, base_path: Path, log: Path, *flags: str, workers: int = 1, **bounds: float) -> None:
        self.port, self.rest_port = free_port(), free_port()
        self.log = log
        changed = [f"{name.replace('__', '.')}={value}" for name, value in bounds.items()]
        own = [f"--port={self.port}", f"--rest_api_port={self.rest_port}", f"--workers={workers}", "--host=127.0.0.1"]
        model = [f"--model_name={MODEL}", f"--model_base_path={base_path}"]
        self._command = [sys.executable, "-c", _START, *changed, *own, *model, *flags]

    def __enter__(self) -> Self:
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            eventually(self._is_ready, seconds=60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(self.log.read_text())
        try:
            return self.rest("GET", f"/v1/models/{MODEL}")[0] == 200
        except OSError:
            return False

    # === Valid requests ===

    def rest(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Sends a request over REST. Returns the status and the body of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def check(self) -> None:
        """Checks that the server answers over REST and gRPC, on new connections."""
        status, body = self.rest("POST", f"/v1/models/{MODEL}:predict", BODY)
        assert (status, json.loads(body)) == (200, {"predictions": Y})
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            answer = messages.PredictResponse.FromString(channel.unary_unary(PREDICT)(request(), timeout=60))
        assert list(answer.outputs["y"].float_val) == Y[0]

    # === Resources ===

    def processes(self) -> list[int]:
        """Returns the process ids of the server, then of its child processes."""
        return [self.process.pid, *children(self.process.pid)]

    def memory(self) -> int:
        """Returns the resident memory of all processes in bytes."""
        return sum(resident(pid) for pid in self.processes())

    @contextlib.contextmanager
    def bounded_memory(self, most: int = SMALL) -> Iterator[None]:
        """Checks after the block that the server answers, and that its memory has grown by less than `most` bytes."""
        before = self.memory()
        yield
        self.check()
        assert self.memory() < before + most

    def open_files(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.processes())

    def connect(self, *, rest: bool = True) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.rest_port if rest else self.port), timeout=30)

    def tell(self, data: bytes) -> bytes:
        """Sends bytes to the REST port. Returns all bytes that the server sends until it closes the connection."""
        with self.connect() as client:
            return tell(client, data)


def request(x: Any = X, model: str = MODEL) -> bytes:
    """Returns a serialized PredictRequest."""
    return predict.encode_request(ModelSpec(model), {"x": np.asarray(x)})


def tell(client: socket.socket, data: bytes) -> bytes:
    """Sends bytes and closes the sending side. Returns all bytes that the server sends before it closes its side."""
    received = b""
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the server closed the connection first
    try:
        while part := client.recv(1 << 16):
            received += part
    except ConnectionResetError:
        pass
    return received


def children(pid: int) -> list[int]:
    """Returns the process ids of all descendants of a process."""
    pids = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # threads and processes may end at any time
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                pids += [int(child), *children(int(child))]
    return pids


def resident(pid: int, field: str = "VmRSS") -> int:
    """Returns the resident memory of a process in bytes. The field `VmHWM` is the maximum so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))
