"""Clients that ask again and again, each on a connection of its own, in a process of their own."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

import grpc
import numpy as np
from serve_common import Caller


def ask(port: int, request: bytes, clients: int, stop: Event, results: Connection) -> None:
    """Asks until `stop`.

    Sends None to `results` once all clients have had an answer, and at the end `(times, seconds, failures)`: when each
    request was sent (`time.monotonic`), how long it took, and what went wrong.
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
