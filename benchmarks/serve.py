"""Measures the model server: speed, start-up, version swaps under load, idle connections, and spread over the workers.

    python benchmarks/serve.py [speed start swaps idle spread] [--beside PROGRAM] [--rows REGEX] [--rounds 5] …

- `speed` measures requests with 16 in flight, in a closed loop. The clients are h2load with 8 connections for gRPC, and
  wrk with 16 connections for REST (Debian's packages nghttp2-client and wrk). In the same run, it measures an echo
  server: h2corn in one process, which receives and returns gRPC messages of 3.2 KB. A figure is the server's CPU time
  for a request divided by the echo server's CPU time for a request, because CPU time is steadier than throughput.
  TensorFlow Serving's figures in these units were measured on another machine, which had two cores. The targets are
  limits of the ratio to TensorFlow Serving. Only the row `gRPC dense b1` has a target for CPU time. The other rows have
  a target for requests per second, which sets their limit of CPU time: 1.5 times the requests per second correspond to
  1 / 1.5 of the CPU time.
- `start` measures the seconds until the server is ready, its memory, and the latency of the first request.
- `swaps` publishes new versions under load, and measures failed requests, latency and memory.
- `idle` measures how a large number of idle connections affects memory and speed.
- `spread` opens eight gRPC connections at once, many times, and counts how the worker processes shared them.

`--beside PROGRAM` compares the server with another server that has TensorFlow Serving's flags. Both serve the same
models, and `start` and `speed` measure them in turns:

- `speed` prints the ratios of requests per second and of CPU time for a request. It also measures the latency at half
  of each server's own full load, and the latency of one client that sends one request at a time. Clients at half load
  send at a fixed rate, even if responses are late (an open loop). These clients are h2load with the option `--rps`,
  with 8 connections for gRPC and 16 for REST (HTTP/1.1). Each connection has its own h2load process, so that the
  connections do not send at the same moments. A REST connection has one request in flight. If its response is late,
  h2load sends the next request on this connection later. The client that sends one request at a time is h2load too.
- `start` prints the ratios of the seconds from the start of the process until the answer to a Predict, and of memory,
  with one model. The memory is that of all processes of the server.

The server is `gallery-model-server`, or the program in the environment variable TF_MODEL_SERVER. The models are
exported once, with Keras.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import serve_models
from load_tools import LoadError
from serve_common import KIND
from serve_idle import idle
from serve_speed import speed
from serve_spread import spread
from serve_start import start
from serve_swaps import swaps

MEASURES = {"speed": speed, "start": start, "swaps": swaps, "idle": idle, "spread": spread}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("measures", nargs="*", metavar="measure", help=f"{', '.join(MEASURES)} (default: all)")
    parser.add_argument("--rows", default="", help="speed: rows whose names match, such as 'gRPC dense' (default: all)")
    parser.add_argument("--beside", metavar="PROGRAM", help="speed, start: compare with this server, in turns")
    parser.add_argument("--rounds", type=int, default=5, help="speed, start --beside: number of rounds (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=2, help="speed: duration of a run in seconds, at least 1 (default: 2)"
    )
    parser.add_argument("--swaps", type=int, default=50, help="swaps: number of new versions (default: 50)")
    parser.add_argument("--connections", type=int, default=1000, help="idle: number of connections (default: 1000)")
    parser.add_argument("--tries", type=int, default=200, help="spread: number of repetitions (default: 200)")
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        help="worker processes (default: the server's; 2 for spread and start --beside)",
    )
    parser.add_argument("--models", type=Path, help="folder of the exported models (default: a temporary one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    if unknown := set(options.measures) - MEASURES.keys():
        parser.error(f"Expected measures: {', '.join(MEASURES)}. Received: {', '.join(sorted(unknown))}")
    if options.beside and not shutil.which(options.beside):
        parser.error(f"--beside: not a program: {options.beside}")
    options.models = serve_models.prepare_models(options.models)
    tables = []
    print(f"Server: {KIND}. {os.cpu_count()} cores, load average before the run: {os.getloadavg()[0]:.1f}.")
    for name in options.measures or MEASURES:
        try:
            results = MEASURES[name](options)
        except LoadError as error:
            sys.exit(f"{name}: {error}")
        for table in results:
            print(table.markdown(), flush=True)
        tables += results
    if options.json:
        document = {"server": KIND, "tables": {table.title: table.rows for table in tables}}
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
