"""Soak test: runs a server for a long time under good and bad requests, version swaps and killed processes.

    python benchmarks/soak.py --minutes 30 [--workers 2] [--models DIR]

Good clients send valid requests over gRPC and REST. One good client uses a signature that TensorFlow runs. Bad clients
send noise, incomplete requests, gzip bombs, cancelled calls and more. Meanwhile the program publishes new versions, and
kills worker processes and the TensorFlow process. It never kills the oldest worker process, and measures the growth of
that process's memory.

At the end the program prints the number of good requests that succeeded and failed, the memory of the oldest worker,
and the number of killed processes. The exit status is 1 in these cases:

- A good request failed, and no process was killed at that time.
- The memory of the oldest worker grew by more than a fifth.
- A killed worker was not replaced.
- The server logged an internal error.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import serve_models
from keras_gallery.serving.client import Client
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from serve_common import Table, megabytes, port_of, progress
from serve_swaps import publish
from soak_clients import Counts, bad, good, grpc_once, png_once, rest_once

SWAP_SECONDS, KILL_SECONDS, TENSORFLOW_KILL_SECONDS, SAMPLE_SECONDS = 15.0, 25.0, 70.0, 2.0
GROWTH = 1.2  # limit: median memory in the last quarter of the time / median in the second quarter
BAD_CLIENTS = 3
WORKER = "keras_gallery.serving.server.worker"
TENSORFLOW = "keras_gallery.serving.engines.tensorflow.worker"


class Soak:
    """Measures memory, publishes versions and kills processes of a server. Each action has its own interval."""

    def __init__(self, server: ServerProcess, base: Path, original: Path) -> None:
        assert server.process is not None
        self.pid = server.process.pid
        self.counts = Counts()
        self.memory: list[float] = []
        self.kills = {"worker": 0, "tensorflow": 0}
        self.versions = 1
        self._oldest = self.processes(WORKER)[0]  # never killed, so that a memory leak shows
        self._base, self._original = base, original
        self._intervals = {
            self._sample: SAMPLE_SECONDS,
            self._swap: SWAP_SECONDS,
            self._kill_worker: KILL_SECONDS,
            self._kill_tensorflow: TENSORFLOW_KILL_SECONDS,
        }

    def run(self, seconds: float) -> None:
        """Repeats the actions for this many seconds."""
        begun = time.monotonic()
        due = {action: begun + period for action, period in self._intervals.items()}
        while (now := time.monotonic()) < begun + seconds:
            for action, period in self._intervals.items():
                if now >= due[action]:
                    action()
                    due[action] = now + period
            if int(now - begun) // 60 != int(now - begun - 0.5) // 60:
                progress(f"{(now - begun) / 60:.0f} min: {dict(self.counts.of)}, {self.memory[-1:]} MB")
            time.sleep(0.5)

    def _sample(self) -> None:
        with contextlib.suppress(OSError):  # a process may end meanwhile
            self.memory.append(megabytes(self._oldest))

    def _swap(self) -> None:
        self.versions += 1
        publish(self._original, self._base / str(self.versions))

    def _kill_worker(self) -> None:
        self._kill("worker", WORKER)

    def _kill_tensorflow(self) -> None:
        self._kill("tensorflow", TENSORFLOW)

    def _kill(self, kind: str, module: str) -> None:
        others = [pid for pid in self.processes(module) if pid != self._oldest]
        if others:
            self.counts.killed_at[kind] = time.monotonic()
            os.kill(others[-1], signal.SIGKILL)
            self.kills[kind] += 1

    def processes(self, module: str) -> list[int]:
        """Returns the sorted ids of the server's processes that run this module."""
        pids = []
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            children: list[str] = []
            with contextlib.suppress(OSError):  # threads and processes may end at any time
                children = (task / "children").read_text().split()
            for pid in children:
                with contextlib.suppress(OSError):
                    if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                        pids.append(int(pid))
        return sorted(pids)


def clients(soak: Soak, server: ServerProcess, stop: threading.Event) -> list[threading.Thread]:
    """Starts all clients and returns their threads."""
    grpc_port, rest_port, counts = port_of(server.grpc), port_of(server.rest), soak.counts
    good_requests = {
        "grpc": lambda: grpc_once(grpc_port),
        "rest": lambda: rest_once(rest_port),
        "png": lambda: png_once(grpc_port),
    }
    threads = [threading.Thread(target=good, args=(name, send, counts, stop)) for name, send in good_requests.items()]
    threads += [
        threading.Thread(target=bad, args=(seed, grpc_port, rest_port, counts, stop)) for seed in range(BAD_CLIENTS)
    ]
    for thread in threads:
        thread.start()
    return threads


def report(soak: Soak, workers: int, log: str) -> int:
    """Prints the figures and returns the exit status."""
    quarter = max(len(soak.memory) // 4, 1)
    early, late = (
        statistics.median(soak.memory[quarter : 2 * quarter]),
        statistics.median(soak.memory[-quarter:]),
    )
    errors = re.findall(r"Traceback|REST request failed|gRPC request failed", log)
    alive = len(soak.processes(WORKER))
    count = soak.counts.of
    rows = [
        ("good requests succeeded", sum(n for key, n in count.items() if key.startswith("good ")), "", None),
        ("good requests failed", count["failed"], "0", count["failed"] == 0),
        ("good requests lost with a killed process", count["lost with a killed process"], "", None),
        ("bad requests", count["bad"], "", None),
        ("new versions", soak.versions - 1, "", None),
        ("workers killed", soak.kills["worker"], "", None),
        ("workers at the end", alive, str(workers), alive == workers),
        ("TensorFlow processes killed", soak.kills["tensorflow"], "", None),
        ("memory of a worker MB, second quarter", early, "", None),
        ("memory of a worker MB, last quarter", late, f"≤ {GROWTH} ×", late <= GROWTH * early),
        ("errors in the log", len(errors), "0", not errors),
    ]
    columns = ("measure", "figure", "target", "reached")
    print(Table("Soak", [dict(zip(columns, row, strict=True)) for row in rows]).markdown())
    for failure in soak.counts.failures[:20]:
        print(f"failed: {failure}", file=sys.stderr)
    if errors:
        print(log[max(log.find(errors[0]) - 500, 0) :][:4000], file=sys.stderr)
    return int(any(reached is False for *_, reached in rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="duration in minutes (default: 10)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes, at least 2 (default: 2)")
    parser.add_argument("--models", type=Path, help="folder of the exported models (default: a temporary one)")
    options = parser.parse_args()
    models = serve_models.prepare_models(options.models)
    with tempfile.TemporaryDirectory(prefix=".soak-", dir=models) as folder:
        base, log = Path(folder, "dense"), Path(folder, "log")
        base.mkdir()
        publish(models / "dense" / "1", base / "1")
        served = {"dense": base, "images": models / "images"}
        flags = [f"--workers={options.workers}"]
        with ServerProcess("embedded", served, port=free_port(), rest_port=free_port(), flags=flags, log=log) as server:
            server.wait_until_ready()
            soak, stop = Soak(server, base, models / "dense" / "1"), threading.Event()
            threads = clients(soak, server, stop)
            soak.run(60 * options.minutes)
            stop.set()
            for thread in threads:
                thread.join()
            with Client(server.rest) as client:
                progress(f"versions of dense at the end: {client.status('dense')}")
            time.sleep(5)  # the server needs some time to replace the worker that was killed last
            status = report(soak, options.workers, log.read_text(errors="replace"))
        print(f"exit status of the server: {server.process.returncode if server.process else None}")
    return status


if __name__ == "__main__":
    sys.exit(main())
