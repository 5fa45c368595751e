"""Compares the speed of the server with and without --enable_batching, over gRPC.

    python benchmarks/batching.py [--names dense wide …] [--clients 1 2 8 32] [--rounds 5] [--seconds 1]

Each client sends requests of one row in a closed loop: it sends the next request as soon as it has the response. The
clients are h2load (Debian's package nghttp2-client). Each of the two servers has one process. The servers are measured
in turns, `rounds` times. The ratio of their speeds is computed for each round. The tables have the median, minimum and
maximum of this ratio. Batching is made for models like `wide`: most of the run time of `wide` is for reading the
weights, so the run time hardly depends on the number of rows. The run time of the other models is very short or grows
with the number of rows. Batching should not make the other models slower.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import serve_models
from keras_gallery.serving.launcher import ServerProcess
from load_tools import Load, grpc_load, missing
from serve_common import PREDICT, Table, answer_size, example, port_of, progress, request_of, running
from serve_rows import Measured, measured

NAMES = ("dense", "conv", "lstm", "wide")
WIDTH = 2048
CHANNELS = 8  # maximum number of gRPC connections; if there are more clients, they share the connections


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--names", nargs="+", choices=NAMES, default=list(NAMES), help="models (default: all)")
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 2, 8, 32], help="numbers of clients to measure")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (default: 5)")
    parser.add_argument("--seconds", type=float, default=1, help="duration of each run in seconds (default: 1)")
    parser.add_argument("--models", type=Path, help="folder of the exported models (default: a temporary one)")
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)  # a child process
    options = parser.parse_args()
    if options.export:
        export_wide(options.export)
        return 0
    if problem := missing("h2load"):
        sys.exit(problem)
    options.workers = 1
    options.models = prepare_models(options.models)
    with running(options, options.names) as plain, running(options, options.names, "--enable_batching") as batching:
        servers = [plain, batching]
        for name in options.names:
            rows = [compare(name, clients, servers, options) for clients in options.clients]
            print(Table(f"{name}: with batching, and without", rows).markdown(), flush=True)
    return 0


def compare(name: str, clients: int, servers: list[ServerProcess], options: argparse.Namespace) -> dict[str, Any]:
    """Measures both servers with this number of clients, and returns the row of the table."""
    loads = [load_of(name, clients, port_of(server.grpc)) for server in servers]
    pids = [server.process.pid for server in servers if server.process]
    for load in loads:  # warm-up
        load(options.seconds)
    runs: list[list[Measured]] = []
    for number in range(options.rounds):
        pairs = list(zip(loads, pids, strict=True))
        order = -1 if number % 2 else 1  # each server is first in every other round
        runs.append([measured(load, options.seconds, pid) for load, pid in pairs[::order]][::order])
        progress(f"{name}, {clients} clients, round {number + 1} of {options.rounds}")
    ratios = sorted(batching.load.per_second / plain.load.per_second for plain, batching in runs)
    row: dict[str, Any] = {"clients": clients, "ratio": f"{median(ratios):.2f}"}
    row["min–max"] = f"{ratios[0]:.2f}–{ratios[-1]:.2f}"
    for kind, measurements in zip(("without", "with"), zip(*runs, strict=True), strict=True):
        row[f"{kind}: requests/s"] = median(run.load.per_second for run in measurements)
        row[f"{kind}: p50 ms"] = median(run.load.p50 for run in measurements)
        row[f"{kind}: p99 ms"] = median(run.load.p99 for run in measurements)
        row[f"{kind}: server's CPU ms"] = median(run.cpu for run in measurements)
    return row


def load_of(name: str, clients: int, port: int) -> Callable[[float], Load]:
    """Returns a function that sends requests from `clients` clients for a number of seconds."""
    request = request_of(name, {"x": example("dense" if name == "wide" else name, 1)})
    size = answer_size(port, PREDICT, request)
    channels = min(clients, CHANNELS)
    return lambda seconds: grpc_load(
        port, PREDICT, request, size, seconds, connections=channels, streams=-(-clients // channels)
    )


def prepare_models(folder: Path | None) -> Path:
    """Exports the models of `serve_models.py` and the model `wide` if the folder lacks them. Returns the folder."""
    folder = serve_models.prepare_models(folder)
    if not (folder / "wide" / "1").exists():
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        command = [sys.executable, __file__, f"--export={folder}"]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder


def export_wide(folder: Path) -> None:
    """Exports `wide`, a dense network 784-2048-2048-2048-784 with 46 MB of weights."""
    import keras
    from keras_gallery.serving.export.writing import export

    keras.utils.set_random_seed(serve_models.SEED)
    x = pixels = keras.Input((784,), name="x")
    for _ in range(3):
        x = keras.layers.Dense(WIDTH, activation="relu")(x)
    export(keras.Model(pixels, keras.layers.Dense(784, name="y")(x)), "wide", folder, version=1)


if __name__ == "__main__":
    sys.exit(main())
