"""The clients of `benchmarks/soak.py`. Good clients send valid requests, and bad clients send invalid requests."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
from PIL import Image
from serve_common import Caller, example, request_of

HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # connection preface and empty SETTINGS (RFC 9113)
PATH = "/v1/models/dense:predict"
STATUS = "/v1/models/dense"
# After the last kill of a worker process, each failed request that began within this time counts as lost.
LOST_SECONDS = 5.0
TENSORFLOW_SECONDS = 40.0  # the same for the TensorFlow process and the requests that TensorFlow runs


class Counts:
    """Counts the successful, failed, lost and bad requests. Thread-safe."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()
        self.failures: list[str] = []
        self.killed_at = {"worker": -1e9, "tensorflow": -1e9}  # by time.monotonic
        self._lock = threading.Lock()

    def add(self, key: str) -> None:
        with self._lock:
            self.of[key] += 1

    def fail(self, name: str, begun: float, problem: str) -> None:
        """Counts a good request that failed. If a process was killed at that time, the request counts as lost."""
        now = time.monotonic()
        lost = now - self.killed_at["worker"] < LOST_SECONDS + now - begun
        lost |= name == "png" and now - self.killed_at["tensorflow"] < TENSORFLOW_SECONDS + now - begun
        self.add("lost with a killed process" if lost else "failed")
        if not lost:
            self.failures.append(f"{name}: {problem}")


# === Good clients: each function sends one request and raises an error if it fails ===

X = example("dense", 1)
DENSE = request_of("dense", {"x": X})
BODY = json.dumps({"inputs": {"x": X.tolist()}}).encode()


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (28, 28)).save(file, "PNG")
    return request_of("images", {"image_bytes": np.array([file.getvalue()], object)}, "encode_png")


PNG = _png()


def grpc_once(port: int) -> None:
    caller = Caller(port)
    try:
        caller.call(DENSE, timeout=60)
    finally:
        caller.close()


def rest_once(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        for method, path, body in (("POST", PATH, BODY), ("GET", STATUS, None)):
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise OSError(f"status {answer.status}: {text[:200]!r}")
    finally:
        connection.close()


def png_once(port: int) -> None:
    """Sends a request to a signature that TensorFlow runs."""
    caller = Caller(port)
    try:
        caller.call(PNG, timeout=60)
    finally:
        caller.close()


def good(name: str, send: Callable[[], None], counts: Counts, stop: threading.Event) -> None:
    """Sends good requests until `stop` is set, and counts the results."""
    while not stop.is_set():
        begun = time.monotonic()
        try:
            send()
            counts.add(f"good {name}")
        except (OSError, http.client.HTTPException, grpc.RpcError, grpc.FutureTimeoutError) as error:
            counts.fail(name, begun, " ".join(str(error).split())[:300])
            stop.wait(0.1)


# === Bad clients ===


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _post(body: bytes, *lines: str, length: int | None = None) -> bytes:
    head = [f"POST {PATH} HTTP/1.1", "Host: x", f"Content-Length: {len(body) if length is None else length}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def _send(port: int, *parts: bytes, read: bool = True) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.settimeout(2)
        for part in parts:
            client.sendall(part)
        if read:
            client.recv(1 << 16)


def _cancel(port: int) -> None:
    caller = Caller(port)
    for running in [caller.call.future(DENSE) for _ in range(50)]:
        running.cancel()
    caller.close()


def _call(port: int, data: bytes) -> None:
    caller = Caller(port)
    try:
        caller.call(data, timeout=30)
    finally:
        caller.close()


BOMB = gzip.compress(bytes(100 << 20))
# The arguments are a random generator, the gRPC port and the REST port.
ABUSES: dict[str, Callable[[random.Random, int, int], Any]] = {
    "noise over REST": lambda rng, _, rest: _send(rest, rng.randbytes(2000)),
    "noise over gRPC": lambda rng, grpc_port, _: _send(grpc_port, HELLO, rng.randbytes(2000)),
    "a long head": lambda _, __, rest: _send(rest, b"GET /" + b"a" * (1 << 20)),
    "half a request": lambda _, __, rest: _send(rest, _post(BODY)[:-10], read=False),
    "a body that is not JSON": lambda rng, _, rest: _send(rest, _post(rng.randbytes(5000))),
    "a truncated body": lambda rng, _, rest: _send(rest, _post(BODY[: rng.randrange(len(BODY))])),
    "deep JSON": lambda _, __, rest: _send(rest, _post(b"[" * 100_000)),
    "a wrong shape": lambda _, __, rest: _send(rest, _post(b'{"instances": [[1, 2, 3]]}')),
    "a long body that is never sent": lambda _, __, rest: _send(rest, _post(b"", length=1 << 40)),
    "a gzip bomb over REST": lambda _, __, rest: _send(rest, _post(BOMB, "Content-Encoding: gzip")),
    "a response that is not read": lambda _, __, rest: _send(rest, _post(BODY) * 200, read=False),
    "cancelled calls": lambda _, grpc_port, __: _cancel(grpc_port),
    "an invalid message": lambda rng, grpc_port, _: _call(grpc_port, rng.randbytes(3000)),
    "a truncated message": lambda rng, grpc_port, _: _call(grpc_port, DENSE[: rng.randrange(len(DENSE))]),
    "a gzip bomb over gRPC": lambda _, grpc_port, __: _call(grpc_port, BOMB),
    "pings": lambda _, grpc_port, __: _send(grpc_port, HELLO, _frame(6, 0, 0, bytes(8)) * 5000, read=False),
    "resets": lambda _, grpc_port, __: _send(
        grpc_port, HELLO, *(_frame(3, 0, each, bytes(4)) for each in range(1, 99, 2))
    ),
}


def bad(seed: int, grpc_port: int, rest_port: int, counts: Counts, stop: threading.Event) -> None:
    """Sends bad requests until `stop` is set. Counts them, and ignores their responses."""
    rng = random.Random(seed)
    while not stop.is_set():
        name = rng.choice(list(ABUSES))
        with contextlib.suppress(OSError, grpc.RpcError, grpc.FutureTimeoutError):
            ABUSES[name](rng, grpc_port, rest_port)
        counts.add("bad")
        stop.wait(0.02)
