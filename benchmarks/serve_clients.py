"""Clients that send requests in a closed loop. Each client has its own connection. All clients run in one process."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

import grpc
import numpy as np
from serve_common import Caller


def send_requests(port: int, request: bytes, clients: int, stop: Event, results: Connection) -> None:
    """Sends requests until `stop` is set.

    Writes None to `results` when all clients have received their first response. At the end it writes
    `(times, seconds, failures)`: the time at which each request was sent (`time.monotonic`), the duration of each
    request in seconds, and the error messages.
    """
    started = threading.Barrier(clients, lambda: results.send(None), timeout=60)

    def loop() -> tuple[list[float], list[float], list[str]]:
        caller = Caller(port)
        caller.call(request, timeout=30)
        started.wait()
        times, seconds, failures = [], [], []
        while not stop.is_set():
            times.append(time.monotonic())
            try:
                caller.call(request, timeout=30)
            except grpc.RpcError as error:
                failures.append(f"{error.code().name}: {error.details()}")
            seconds.append(time.monotonic() - times[-1])
        caller.close()
        return times, seconds, failures

    with ThreadPoolExecutor(clients) as pool:
        done = [running.result() for running in [pool.submit(loop) for _ in range(clients)]]
    times, seconds, failures = (sum(lists, []) for lists in zip(*done, strict=True))
    results.send((np.array(times), np.array(seconds), failures))
