"""The rows of the speed benchmark: their requests, their targets, and TensorFlow Serving's CPU time for a request."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import httpx
import load_tools
from load_tools import Load
from serve_common import PREDICT, answer_size, cpu_seconds, example, progress, request_of

Run = Callable[[float], Load]


class Target(NamedTuple):
    """Two limits of a ratio to TensorFlow Serving: the server must reach `must`, and aims at `aim`.

    The larger limit is `aim` if more is better, such as requests per second. Otherwise it is `must`.
    """

    must: float
    aim: float

    def verdicts(self, ratio: float) -> dict[str, str]:
        """Returns a cell for each limit, such as "1.5 met"."""
        sign = 1 if self.aim > self.must else -1
        limits = self._asdict().items()
        return {name: f"{limit:.2g} {'met' if sign * (ratio - limit) >= 0 else 'missed'}" for name, limit in limits}


LATENCY = Target(1.0, 0.7)  # of one client, and at half of the full load
START = Target(1.0, 0.8)  # time until ready, memory


class Row(NamedTuple):
    """A combination of protocol, model and batch size to measure.

    Attributes:
        units: TensorFlow Serving's CPU time for a request, divided by the echo server's.
        speed: target for requests per second.
        own_cpu: target for CPU time; None: `speed` sets the target.
    """

    protocol: str
    model: str
    batch: int
    units: float
    speed: Target
    own_cpu: Target | None = None

    @property
    def name(self) -> str:
        return f"{self.protocol} {self.model} b{self.batch}"

    @property
    def cpu(self) -> Target:
        """Target for CPU time. Twice the requests per second correspond to half of the CPU time for a request."""
        return self.own_cpu or Target(1 / self.speed.must, 1 / self.speed.aim)


REST = Target(1.3, 2.5)
ROWS = (
    Row("gRPC", "dense", 1, 5.5, Target(1.0, 1.5), Target(0.9, 0.6)),
    Row("gRPC", "dense", 32, 29, Target(1.1, 1.5)),
    Row("gRPC", "conv", 1, 20, Target(1.5, 2.5)),
    Row("gRPC", "conv", 16, 140, Target(1.1, 1.5)),
    Row("gRPC", "lstm", 4, 45, Target(2.5, 4)),
    Row("REST", "dense", 1, 12.5, REST),
    Row("REST", "dense", 32, 220, REST),
    Row("REST", "conv", 1, 30, REST),
    Row("REST", "conv", 16, 245, REST),
    Row("REST", "lstm", 4, 65, REST),
)


def chosen(options: argparse.Namespace) -> list[Row]:
    """Returns the rows that match `--rows` and whose tools are installed. Prints a message if a tool is missing."""
    rows = [row for row in ROWS if re.search(options.rows, row.name)]
    if (problem := load_tools.missing("wrk")) and any(row.protocol == "REST" for row in rows):
        progress(f"REST rows are left out: {problem}")
        rows = [row for row in rows if row.protocol != "REST"]
    if (problem := load_tools.missing("h2load")) or not rows:
        progress(problem or f"Expected --rows to match one of {', '.join(row.name for row in ROWS)}")
        return []
    return rows


class Measured(NamedTuple):
    """The result of a run: the clients' figures, and the server's CPU time per response in milliseconds."""

    load: Load
    cpu: float


def measured(run: Run, seconds: float, pid: int) -> Measured:
    """Runs a load, and measures the CPU time of the server with this process id."""
    before = cpu_seconds(pid)
    load = run(seconds)
    return Measured(load, (cpu_seconds(pid) - before) * 1000 / load.answers)


class Requests(NamedTuple):
    """Functions that send a row's request to a server for a number of seconds.

    Attributes:
        full: 16 requests in flight, in a closed loop.
        one: one request in flight.
        at: an open loop with this number of requests per second.
    """

    full: Run
    one: Run
    at: Callable[[float, float], Load]


def prepare(row: Row, port: int, rest_port: int) -> Requests:
    """Returns the functions that send the row's request to a server.

    First sends the request once, and raises grpc.RpcError or httpx.HTTPError if this request fails.
    """
    array = example(row.model, row.batch)
    if row.protocol == "gRPC":
        request = request_of(row.model, {"x": array})
        size = answer_size(port, PREDICT, request)
        grpc = (port, PREDICT, request, size)
        return Requests(
            lambda seconds: load_tools.grpc_load(*grpc, seconds),
            lambda seconds: load_tools.grpc_load(*grpc, seconds, connections=1, streams=1),
            lambda rate, seconds: load_tools.grpc_load(*grpc, seconds, rate=rate),
        )
    path = f"/v1/models/{row.model}:predict"
    body = json.dumps({"instances": array.tolist()}).encode()
    httpx.post(f"http://127.0.0.1:{rest_port}{path}", content=body, timeout=60).raise_for_status()
    rest = (rest_port, path, body)
    return Requests(
        lambda seconds: load_tools.rest_load(*rest, seconds),
        lambda seconds: load_tools.rest_h2load(*rest, seconds, connections=1),
        lambda rate, seconds: load_tools.rest_h2load(*rest, seconds, connections=load_tools.IN_FLIGHT, rate=rate),
    )


def ratio_cells(ratios: Sequence[float], target: Target | None, prefix: str = "") -> dict[str, object]:
    """Returns the cells of a table for the ratios of all rounds: median, minimum and maximum, and the verdicts.

    Args:
        ratios: a ratio of each round.
        target: the limits of the median; None: no verdicts.
        prefix: the beginning of the names of the columns.
    """
    middle = median(ratios)
    cells: dict[str, object] = {
        f"{prefix}ratio": f"{middle:.2f}",
        f"{prefix}min–max": f"{min(ratios):.2f}–{max(ratios):.2f}",
    }
    if target:
        cells |= {f"{prefix}{limit}": verdict for limit, verdict in target.verdicts(middle).items()}
    return cells
