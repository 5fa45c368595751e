"""Measures the server's speed as a fraction of an echo server's speed, so that the machine has little influence."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import echo_server
import httpx
import load_tools
from keras_gallery.serving.ports import free_port
from load_tools import Load
from serve_common import PREDICT, Table, answer_size, cpu_seconds, example, port_of, progress, request_of, running


class Row(NamedTuple):
    """A combination of protocol, model and batch size to measure.

    The target is TensorFlow Serving's requests per second, divided by the echo server's requests per second.
    """

    protocol: str
    model: str
    batch: int
    target: float

    @property
    def name(self) -> str:
        return f"{self.protocol} {self.model} b{self.batch}"


ROWS = (
    Row("gRPC", "dense", 1, 0.55),
    Row("gRPC", "dense", 32, 0.27),
    Row("gRPC", "conv", 1, 0.30),
    Row("gRPC", "conv", 16, 0.06),
    Row("gRPC", "lstm", 4, 0.22),
    Row("REST", "dense", 1, 0.45),
    Row("REST", "dense", 32, 0.036),
    Row("REST", "conv", 16, 0.034),
)
ECHO_BYTES = 3200
Run = Callable[[float], Load]


class Measured(NamedTuple):
    """The result of a run: the clients' figures, and the server's CPU time per response in milliseconds."""

    load: Load
    cpu: float


def measured(run: Run, seconds: float, pid: int) -> Measured:
    """Runs a load, and measures the CPU time of the server with this process id."""
    before = cpu_seconds(pid)
    load = run(seconds)
    return Measured(load, (cpu_seconds(pid) - before) * 1000 / load.answers)


def speed(options: argparse.Namespace) -> list[Table]:
    """Measures each row between two runs of the echo server, in several rounds.

    The baseline of a run is the mean of the echo runs before and after it, so that drift of the machine cancels out.
    """
    rows = [row for row in ROWS if re.search(options.rows, row.name)]
    if (problem := load_tools.missing("wrk")) and any(row.protocol == "REST" for row in rows):
        progress(f"REST rows are left out: {problem}")
        rows = [row for row in rows if row.protocol != "REST"]
    if (problem := load_tools.missing("h2load")) or not rows:
        progress(problem or f"Expected --rows to match one of {', '.join(row.name for row in ROWS)}")
        return []
    runs: dict[Row, list[Measured]] = {row: [] for row in rows}
    fractions: dict[Row, list[float]] = {row: [] for row in rows}
    models = sorted({row.model for row in rows})
    with echoing() as (echo, echo_pid), running(options, models) as server:
        assert server.process is not None
        loads = {row: prepare(row, port_of(server.grpc), port_of(server.rest)) for row in rows}
        for load in (echo, *loads.values()):  # warm-up
            load(1.0)
        echoes = [measured(echo, options.seconds, echo_pid)]
        for number in range(options.rounds):
            progress(f"round {number + 1} of {options.rounds}:", end="")
            for row, load in loads.items():
                runs[row].append(measured(load, options.seconds, server.process.pid))
                echoes.append(measured(echo, options.seconds, echo_pid))
                baseline = (echoes[-2].load.per_second + echoes[-1].load.per_second) / 2
                fractions[row].append(runs[row][-1].load.per_second / baseline)
                progress(f" {row.name} {fractions[row][-1]:.3f},", end="")
            progress("")
    lines = [figures("echo", echoes)]
    for row in rows:
        values = fractions[row]
        lines.append(figures(row.name, runs[row], median(values), f"{min(values):.3f}–{max(values):.3f}", row.target))
    return [Table("Requests per second, as fractions of the echo server's", lines)]


def figures(
    name: str, runs: list[Measured], fraction: float = 1.0, spread: str = "", target: float | None = None
) -> dict[str, object]:
    return {
        "row": name,
        "requests/s": median(run.load.per_second for run in runs),
        "fraction": round(fraction, 3),
        "min–max": spread,
        "TensorFlow Serving": target,
        "reached": None if target is None else fraction >= target,
        "p50 ms": median(run.load.p50 for run in runs),
        "p99 ms": median(run.load.p99 for run in runs),
        "server's CPU ms": median(run.cpu for run in runs),
    }


@contextmanager
def echoing() -> Iterator[tuple[Run, int]]:
    """Runs the echo server. Yields a function that sends requests to it, and the id of its process."""
    port, message = free_port(), bytes(ECHO_BYTES)
    process = subprocess.Popen([sys.executable, echo_server.__file__, str(port)])
    try:
        size = answer_size(port, echo_server.METHOD, message)
        yield lambda seconds: load_tools.grpc_load(port, echo_server.METHOD, message, size, seconds), process.pid
    finally:
        process.terminate()
        process.wait()


def prepare(row: Row, port: int, rest_port: int) -> Run:
    """Returns a function that sends the row's request to the server for a number of seconds.

    First sends the request once, and raises grpc.RpcError or httpx.HTTPError if this request fails.
    """
    array = example(row.model, row.batch)
    if row.protocol == "gRPC":
        request = request_of(row.model, {"x": array})
        size = answer_size(port, PREDICT, request)
        return lambda seconds: load_tools.grpc_load(port, PREDICT, request, size, seconds)
    path = f"/v1/models/{row.model}:predict"
    body = json.dumps({"instances": array.tolist()}).encode()
    httpx.post(f"http://127.0.0.1:{rest_port}{path}", content=body, timeout=60).raise_for_status()
    return lambda seconds: load_tools.rest_load(rest_port, path, body, seconds)
