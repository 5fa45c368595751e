"""Helpers for the benchmarks: start a server, encode requests, measure memory and CPU time, print tables."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import grpc
import numpy as np
from keras_gallery.serving.errors import ServingError
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.wire.predict import ModelSpec, encode_request

KIND = "tensorflow-model-server" if os.environ.get("TF_MODEL_SERVER") else "embedded"
PREDICT = "/tensorflow.serving.PredictionService/Predict"
SHAPES = {"dense": (784,), "conv": (28, 28, 1), "lstm": (50, 8), "images": (28, 28, 1)}


class Table(NamedTuple):
    """A table of figures. All rows have the same columns. The name of a column includes its unit."""

    title: str
    rows: list[dict[str, Any]]

    def markdown(self) -> str:
        lines = [list(self.rows[0]), ["---"] * len(self.rows[0])]
        lines += [[_text(value) for value in row.values()] for row in self.rows]
        return "\n".join([f"\n## {self.title}\n", *("| " + " | ".join(line) + " |" for line in lines)])


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "met", False: "missed"}[value]
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)


def progress(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def example(model: str, batch: int) -> np.ndarray:
    """Returns a random input for a model of `SHAPES`, float32 (batch, …) in [0, 1)."""
    return np.random.default_rng(0).random((batch, *SHAPES[model]), np.float32)


def request_of(model: str, inputs: dict[str, np.ndarray], signature: str = "serving_default") -> bytes:
    """Returns a serialized PredictRequest with its tensors in `tensor_content`, as TensorFlow writes them."""
    return encode_request(ModelSpec(model, signature=signature), inputs)


@contextlib.contextmanager
def running(
    options: argparse.Namespace,
    names: Sequence[str],
    *flags: str,
    folder: Path | None = None,
    program: str | None = None,
    wait: bool = True,
) -> Iterator[ServerProcess]:
    """Runs a server. If the server fails to start, prints the end of its log and exits.

    Args:
        options: the command-line options.
        names: names of the models to serve.
        flags: additional flags of the server.
        folder: folder of the models. The default is `options.models`.
        program: path of a server with TensorFlow Serving's flags. The default is the server of this run. The flags of
            this program are only the ports and the model config file.
        wait: whether to wait until the server is ready.
    """
    root = folder or options.models
    kind = "tensorflow-model-server" if program else KIND
    workers = [f"--workers={options.workers}"] if options.workers and kind == "embedded" else []
    models = {name: root / name for name in names}
    environment = {"TF_MODEL_SERVER": program} if program else {}
    with tempfile.TemporaryDirectory(prefix="serve-") as log_folder:
        log = Path(log_folder, "log")
        ports = {"port": free_port(), "rest_port": free_port()}
        try:
            with patch.dict(os.environ, environment):
                server = ServerProcess(kind, models, flags=[*workers, *flags], log=log, **ports)
            with server:
                if wait:
                    server.wait_until_ready()
                yield server
        except ServingError as error:
            sys.exit(f"{error}\n{log.read_text()[-3000:] if log.exists() else ''}")


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


class Caller:
    """A gRPC connection. The constructor waits until the connection is ready."""

    def __init__(self, port: int, method: str = PREDICT) -> None:
        # By default, channels to the same address share a connection, so that one worker process would serve them all.
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
        grpc.channel_ready_future(self._channel).result(30)
        self.call = self._channel.unary_unary(method)

    def close(self) -> None:
        self._channel.close()


def answer_size(port: int, method: str, request: bytes) -> int:
    """Sends a request and returns the length of the response in bytes. Raises grpc.RpcError if the request fails."""
    caller = Caller(port, method)
    try:
        return len(caller.call(request, timeout=60))
    finally:
        caller.close()


def megabytes(pid: int) -> float:
    """Returns the memory of a process and its descendants in MB. Shared memory is counted once (PSS)."""
    files = [(process / "smaps_rollup").read_text() for process in processes(pid)]
    return sum(int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1]) for text in files) / 1024  # type: ignore[index]


def cpu_seconds(pid: int) -> float:
    """Returns the total CPU time of a process and its running descendants in seconds."""
    times = [(process / "stat").read_text().rpartition(")")[2].split()[11:13] for process in processes(pid)]
    return sum(int(ticks) for pair in times for ticks in pair) / os.sysconf("SC_CLK_TCK")


def processes(pid: int) -> list[Path]:
    """Returns the folder `/proc/PID` of a process, and the folders of its descendants."""
    processes = [Path("/proc", str(pid))]
    for each in processes:  # the list grows during the loop
        for thread in (each / "task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # threads may end at any time
                processes += [Path("/proc", child) for child in (thread / "children").read_text().split()]
    return processes
