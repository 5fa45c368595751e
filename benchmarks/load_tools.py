"""Measures throughput and latency with h2load and wrk in a closed loop, and checks that no response is an error."""

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
) -> Load:
    """Runs h2load and returns its figures. h2load sends a unary call as an HTTP/2 POST: five bytes, then the message.

    h2load ignores grpc-status, but a response with an error has no message. Therefore the number of received bytes
    reveals errors. Raises LoadError if this number does not fit messages of `answer_size` bytes.
    """
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        body.write_bytes(b"\0" + len(request).to_bytes(4, "big") + request)
        command = ["h2load", f"-c{connections}", f"-m{streams}", "-t1", f"-D{seconds * 1000:.0f}ms"]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        command += [f"--data={body}", f"--log-file={log}", f"http://127.0.0.1:{port}{method}"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        latencies = np.loadtxt(log, dtype=np.int64, usecols=(1, 2), ndmin=2)
    return read_h2load(output, latencies, answer_size + 5, connections * streams)


def read_h2load(output: str, log: np.ndarray, size: int, in_flight: int) -> Load:
    """Reads the figures from h2load's output and log.

    Args:
        output: the standard output of h2load.
        log: HTTP status and latency in microseconds of each request, int64 (requests, 2).
        size: number of bytes of each response.
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
    if succeeded != done or not done * size <= received <= (done + in_flight) * size:
        raise LoadError(
            f"Expected {done} messages of {size} bytes. Received: {succeeded} messages, {received} bytes in total"
        )
    p50, p99 = np.percentile(log[:, 1], (50, 99)) / 1000
    return Load(done, float(speed[1]), float(p50), float(p99))


def rest_load(port: int, path: str, body: bytes, seconds: float) -> Load:
    """Runs wrk and returns its figures. Raises LoadError if a response is missing or is not 2xx."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        data, script = Path(folder, "body"), Path(folder, "post.lua")
        data.write_bytes(body)
        script.write_text(
            f'local file = io.open("{data}", "rb")\n'
            'wrk.method, wrk.body = "POST", file:read("*a")\n'
            'wrk.headers["content-type"] = "application/json"\n'
        )
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{round(seconds) or 1}s", "--latency", f"-s{script}"]
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
