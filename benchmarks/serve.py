"""Measures the model server: throughput, start-up, version swaps under load, and idle connections.

    python benchmarks/serve.py [speed start swaps idle] [--rows REGEX] [--rounds 5] [--seconds 2] [--json FILE]

- `speed` measures requests per second in a closed loop. The clients are h2load with 8 connections of 2 requests in
  flight, and wrk with 8 connections (Debian's packages nghttp2-client and wrk). In the same run, it measures an echo
  server: a one-process `grpc.aio` server that returns messages of 3.2 KB. A figure is the model server's requests per
  second divided by the echo server's requests per second. The targets are the figures of TensorFlow Serving, measured
  on two cores. With more cores, the figures of any server are higher.
- `start` measures the seconds until the server is ready, its memory, and the latency of the first request.
- `swaps` publishes new versions under load, and measures failed requests, latency and memory.
- `idle` measures how a large number of idle connections affects memory and speed.

The server is `gallery-model-server`, or the program in the environment variable TF_MODEL_SERVER. The models are
exported once, with Keras.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import serve_models
from load_tools import LoadError
from serve_common import KIND
from serve_idle import idle
from serve_speed import speed
from serve_start import start
from serve_swaps import swaps

MEASURES = {"speed": speed, "start": start, "swaps": swaps, "idle": idle}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("measures", nargs="*", metavar="measure", help=f"{', '.join(MEASURES)} (default: all)")
    parser.add_argument("--rows", default="", help="speed: rows whose names match, such as 'gRPC dense' (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="speed: number of rounds (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=2, help="speed: duration of a run in seconds, at least 1 (default: 2)"
    )
    parser.add_argument("--swaps", type=int, default=50, help="swaps: number of new versions (default: 50)")
    parser.add_argument("--connections", type=int, default=1000, help="idle: number of connections (default: 1000)")
    parser.add_argument("--workers", type=int, default=0, help="worker processes (default: the server's default)")
    parser.add_argument("--models", type=Path, help="folder of the exported models (default: a temporary one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    if unknown := set(options.measures) - MEASURES.keys():
        parser.error(f"Expected measures: {', '.join(MEASURES)}. Received: {', '.join(sorted(unknown))}")
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
