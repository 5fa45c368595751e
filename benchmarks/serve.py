"""The model server's speed beside an echo server's in one run, and what else can be measured of it.

    python benchmarks/serve.py [speed start swaps idle] [--rows REGEX] [--rounds 5] [--seconds 2] [--json FILE]

`speed`: requests per second in a closed loop (h2load with 8 connections of 2 requests in flight, wrk with 8
connections; Debian's packages nghttp2-client and wrk) as fractions of what a one-process `grpc.aio` echo of 3.2 KB
answers in the same run. To be reached are TensorFlow Serving's own fractions, measured so on two cores; on more cores
any server is further ahead of the echo. `start`: seconds to ready, memory, the first request. `swaps`: new versions
under load. `idle`: many connections that ask nothing.

The server is `gallery-model-server`, or the program that TF_MODEL_SERVER names. The models are made once, with Keras.
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
    parser.add_argument(
        "--rows", default="", help="rows of speed whose names match, such as 'gRPC dense' (default: all)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of speed (default: 5)")
    parser.add_argument("--seconds", type=float, default=2, help="of each run of speed, 1 or more (default: 2)")
    parser.add_argument("--swaps", type=int, default=50, help="how many versions follow one another (default: 50)")
    parser.add_argument("--connections", type=int, default=1000, help="idle ones (default: 1000)")
    parser.add_argument("--workers", type=int, default=0, help="the embedded server's processes (default: its own)")
    parser.add_argument("--models", type=Path, help="folder of the exported models (default: a temporary one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    if unknown := set(options.measures) - MEASURES.keys():
        parser.error(f"Expected measures of {', '.join(MEASURES)}. Received: {', '.join(sorted(unknown))}")
    options.models = serve_models.prepared(options.models)
    tables = []
    print(f"Server: {KIND}. {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before.")
    for name in options.measures or MEASURES:
        try:
            found = MEASURES[name](options)
        except LoadError as error:
            sys.exit(f"{name}: {error}")
        for table in found:
            print(table.markdown(), flush=True)
        tables += found
    if options.json:
        document = {"server": KIND, "tables": {table.title: table.rows for table in tables}}
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
