"""Measures version swaps under load: failed requests, latency before and during the swaps, memory before and after."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from keras_gallery.serving.client import Client
from serve_clients import send_requests
from serve_common import Table, example, megabytes, port_of, progress, request_of, running

CLIENTS = 4
BEFORE_SECONDS = 5.0
MODEL = "dense"
P99_RATIO, GROWTH = 3.0, 1.05  # limits: p99 latency during / before the swaps, memory after / before


def swaps(options: argparse.Namespace) -> list[Table]:
    """Publishes `--swaps` new versions while clients send requests.

    Each new version must replace the previous version before the next version is published.
    """
    spawn = multiprocessing.get_context("spawn")  # gRPC does not work in a forked process
    stop, (results, sender) = spawn.Event(), spawn.Pipe(duplex=False)
    original = options.models / MODEL / "1"
    with tempfile.TemporaryDirectory(prefix=".swaps-", dir=options.models) as folder:
        base = Path(folder, MODEL)
        base.mkdir()
        publish(original, base / "1")
        with running(options, [MODEL], folder=Path(folder)) as server, Client(server.rest) as client:
            assert server.process is not None
            request = request_of(MODEL, {"x": example(MODEL, 1)})
            arguments = (port_of(server.grpc), request, CLIENTS, stop, sender)
            clients = spawn.Process(target=send_requests, args=arguments, daemon=True)
            clients.start()
            sender.close()  # so that `recv` fails if the process dies
            results.recv()  # all clients have received their first response
            begun = time.monotonic()
            time.sleep(BEFORE_SECONDS)
            memory, swapping = megabytes(server.process.pid), time.monotonic()
            for version in range(2, options.swaps + 2):
                publish(original, base / str(version))
                wait_for(client, version)
                if version % 10 == 1:
                    progress(f"swaps: {version - 1} of {options.swaps}, {megabytes(server.process.pid):.0f} MB")
            swapped, memory_after = time.monotonic(), megabytes(server.process.pid)
            stop.set()
            times, seconds, failures = results.recv()
            clients.join()
    for failure in sorted(set(failures)):
        progress(f"failed: {failure}")
    before = seconds[(times >= begun) & (times < swapping)] * 1000
    during = seconds[(times >= swapping) & (times < swapped)] * 1000
    p99, p99_during = (float(np.percentile(each, 99)) for each in (before, during))
    rows: list[dict[str, Any]] = [
        measure("failed requests", None, len(failures), "0", not failures),
        measure("p50 ms", float(np.median(before)), float(np.median(during))),
        measure("p99 ms", p99, p99_during, f"≤ {P99_RATIO} ×", p99_during <= P99_RATIO * p99),
        measure("longest ms", float(before.max()), float(during.max())),
        measure("memory MB", memory, memory_after, f"≤ {GROWTH} ×", memory_after <= GROWTH * memory),
    ]
    return [Table(f"{options.swaps} version swaps under load, {CLIENTS} clients, {len(during):,} requests", rows)]


def measure(name: str, before: Any, swaps: Any, target: str = "", met: bool | None = None) -> dict[str, Any]:
    return {"measure": name, "before": before, "swaps": swaps, "target": target, "reached": met}


def publish(version: Path, target: Path) -> None:
    """Publishes a copy of the folder `version` as `target` in one step.

    Links the files of `version` into a temporary folder, then renames the temporary folder.
    """
    partial = target.with_name(f".partial-{target.name}")
    shutil.copytree(version, partial, copy_function=os.link)
    partial.rename(target)


def wait_for(client: Client, version: int) -> None:
    """Waits until only `version` is loaded. Raises TimeoutError after a minute."""
    deadline = time.monotonic() + 60
    while [number for number, state in client.status(MODEL).items() if state != "END"] != [version]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Version {version} did not replace the other versions in 60 s: {client.status(MODEL)}")
        time.sleep(0.05)
