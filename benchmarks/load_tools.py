"""Measures throughput and latency with h2load and wrk, and checks that no response is an error.

In a closed loop, a client sends its next request when it has received a response. In an open loop, clients send
requests at a fixed rate. h2load can do both, wrk can do only a closed loop.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PACKAGES = {"h2load": "nghttp2-client", "wrk": "wrk"}  # the Debian package of each tool
CONNECTIONS = 8
STREAMS = 2  # requests in flight on each gRPC connection
IN_FLIGHT = CONNECTIONS * STREAMS  # the same number for gRPC and REST
OPEN_STREAMS = 64  # maximum number of requests in flight on each gRPC connection of an open loop
RATE_SPREAD = 0.2  # difference between the highest and the lowest rate of an open loop, as a fraction of their mean
MICROSECONDS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


class LoadError(Exception):
    """The figures are missing, or are invalid because some responses were errors."""


@dataclass(frozen=True)
class Load:
    """The result of a run: number of responses, responses per second, median and 99th percentile latency (ms)."""

    answers: int
    per_second: float
    p50: float
    p99: float


def missing(tool: str) -> str:
    """Returns an error message if `tool` is not installed, else ""."""
    if shutil.which(tool):
        return ""
    return f"{tool} is not on PATH: install Debian's package {PACKAGES[tool]}"


def grpc_load(
    port: int,
    method: str,
    request: bytes,
    answer_size: int,
    seconds: float,
    *,
    connections: int = CONNECTIONS,
    streams: int = STREAMS,
    rate: float = 0,
) -> Load:
    """Runs h2load and returns its figures. h2load sends a unary call as an HTTP/2 POST: five bytes, then the message.

    h2load ignores grpc-status, but a response with an error has no message. Therefore the number of received bytes
    reveals errors.

    Args:
        port: the port of the server on this machine.
        method: the method's path, such as "/package.Service/Method".
        request: the request message.
        answer_size: number of bytes of each response message.
        seconds: the duration of the run.
        connections: number of connections.
        streams: number of requests in flight on each connection. An open loop ignores it.
        rate: requests per second of all connections together; 0: a closed loop.

    Raises:
        LoadError: the number of received bytes does not fit the number of responses.
    """
    message = b"\0" + len(request).to_bytes(4, "big") + request
    options = ["-H", "content-type: application/grpc", "-H", "te: trailers", f"http://127.0.0.1:{port}{method}"]
    streams = OPEN_STREAMS if rate else streams
    return _h2load(options, message, seconds, connections, streams, rate, answer_size + 5)


def rest_h2load(port: int, path: str, body: bytes, seconds: float, *, connections: int, rate: float = 0) -> Load:
    """Runs h2load with HTTP/1.1, one request in flight on each connection, and returns its figures.

    If a response of an open loop is late, h2load sends the next request on this connection later. Raises LoadError if a
    response is missing or is not 2xx.
    """
    options = ["--h1", "-H", "content-type: application/json", f"http://127.0.0.1:{port}{path}"]
    return _h2load(options, body, seconds, connections, 1, rate, None)


def _h2load(
    options: list[str], body: bytes, seconds: float, connections: int, streams: int, rate: float, size: int | None
) -> Load:
    """Runs h2load: one process in a closed loop, and one process for each connection in an open loop.

    All connections of a process send their requests at the same moment if they have a fixed rate. Therefore each
    connection of an open loop has its own process and a slightly different rate.
    """
    count = connections if rate else 1
    rates = [rate / count * (1 + RATE_SPREAD * ((number + 0.5) / count - 0.5)) for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        data, logs = Path(folder, "body"), [Path(folder, f"log-{number}") for number in range(len(rates))]
        data.write_bytes(body)
        runs = []
        for each, log in zip(rates, logs, strict=True):
            pace = ["-c1", f"--rps={each:.3f}"] if rate else [f"-c{connections}"]
            command = ["h2load", "-t1", f"-D{seconds * 1000:.0f}ms", f"-m{streams}", *pace]
            command += [f"--data={data}", f"--log-file={log}", *options]
            runs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        outputs = [run.communicate()[0] for run in runs]
        if any(run.returncode for run in runs):
            raise LoadError(f"h2load failed: {outputs[0][-500:]}")
        latencies = [np.loadtxt(log, dtype=np.int64, usecols=(1, 2), ndmin=2) for log in logs]
    in_flight = streams * connections // count
    loads = [read_h2load(output, log, size, in_flight) for output, log in zip(outputs, latencies, strict=True)]
    p50, p99 = np.percentile(np.concatenate(latencies)[:, 1], (50, 99)) / 1000
    return Load(sum(load.answers for load in loads), sum(load.per_second for load in loads), float(p50), float(p99))


def read_h2load(output: str, log: np.ndarray, size: int | None, in_flight: int) -> Load:
    """Reads the figures from h2load's output and log.

    Args:
        output: the standard output of h2load.
        log: HTTP status and latency in microseconds of each request, int64 (requests, 2).
        size: number of bytes of each response; None: not checked.
        in_flight: maximum number of requests in flight.

    Raises:
        LoadError: a request failed, or figures are missing.
    """
    counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded", output)
    data = re.search(r"\((\d+)\) data", output)
    speed = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", output)
    if not (counts and data and speed and len(log)):
        raise LoadError(f"No figures in the output of h2load: {output[-500:]}")
    done, succeeded, received = int(counts[1]), int(counts[2]), int(data[1])
    # When the time is over, some messages may be incomplete or lack a status.
    if size is None:
        if succeeded != done:
            raise LoadError(f"Expected only 2xx responses. Received: {done - succeeded} other responses of {done}")
    elif succeeded != done or not done * size <= received <= (done + in_flight) * size:
        raise LoadError(
            f"Expected {done} messages of {size} bytes. Received: {succeeded} messages, {received} bytes in total"
        )
    p50, p99 = np.percentile(log[:, 1], (50, 99)) / 1000
    return Load(done, float(speed[1]), float(p50), float(p99))


def rest_load(port: int, path: str, body: bytes, seconds: float) -> Load:
    """Runs wrk in a closed loop and returns its figures. Raises LoadError if a response is missing or is not 2xx."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        data, script = Path(folder, "body"), Path(folder, "post.lua")
        data.write_bytes(body)
        script.write_text(
            f'local file = io.open("{data}", "rb")\n'
            'wrk.method, wrk.body = "POST", file:read("*a")\n'
            'wrk.headers["content-type"] = "application/json"\n'
        )
        command = ["wrk", "-t1", f"-c{IN_FLIGHT}", f"-d{round(seconds) or 1}s", "--latency", f"-s{script}"]
        command.append(f"http://127.0.0.1:{port}{path}")
        return read_wrk(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def read_wrk(output: str) -> Load:
    """Reads the figures from wrk's output. Raises LoadError if a request failed, or figures are missing."""
    problem = re.search(r"Non-2xx or 3xx responses.*|Socket errors.*", output)
    if problem:
        raise LoadError(f"Expected only 2xx responses. Received: {problem[0]}")
    speed = re.search(r"Requests/sec:\s*([\d.]+)", output)
    count = re.search(r"(\d+) requests in", output)
    shares = dict(re.findall(r"^ +(\d+)% +([\d.]+[a-z]+) *$", output, re.MULTILINE))
    if not speed or not count or not {"50", "99"} <= shares.keys():
        raise LoadError(f"No figures in the output of wrk: {output[-500:]}")
    p50, p99 = (_milliseconds(shares[share]) for share in ("50", "99"))
    return Load(int(count[1]), float(speed[1]), p50, p99)


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * MICROSECONDS[unit] / 1000
