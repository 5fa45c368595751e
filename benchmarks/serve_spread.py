"""Measures how evenly the worker processes share gRPC connections that are opened at the same time."""

from __future__ import annotations

import argparse
import math
import os
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import grpc
from serve_common import PREDICT, Table, example, port_of, processes, progress, request_of, running

CONNECTIONS = 8
WORKERS = 2
MODEL = "dense"
UNEVEN = (8, 7)  # one of two workers must never have so many of the connections
ESTABLISHED = "01"  # state of a connection in /proc/net/tcp
SECONDS = 10.0  # longest time to wait until the server has closed the connections


def spread(options: argparse.Namespace) -> list[Table]:
    """Opens eight connections with one request each, `--tries` times, and counts how the workers shared them.

    The column `by chance` is the probability of the split if each connection chose a worker at random.
    """
    options = argparse.Namespace(**{**vars(options), "workers": options.workers or WORKERS})
    request = request_of(MODEL, {"x": example(MODEL, 1)})
    splits: Counter[tuple[int, ...]] = Counter()
    with running(options, [MODEL]) as server:
        assert server.process is not None
        pid, port = server.process.pid, port_of(server.grpc)
        for number in range(options.tries):
            splits[split(pid, port, request, options.workers)] += 1
            if number % 50 == 49:
                progress(f"spread: {number + 1} of {options.tries}")
    keys = sorted(splits, reverse=True)
    if options.workers == WORKERS:
        keys = [(most, CONNECTIONS - most) for most in range(CONNECTIONS, (CONNECTIONS - 1) // 2, -1)]
    rows = [row(key, splits[key], options.tries) for key in keys]
    return [Table(f"{CONNECTIONS} connections on {options.workers} workers, {options.tries:,} times", rows)]


def row(key: tuple[int, ...], count: int, tries: int) -> dict[str, object]:
    cells: dict[str, object] = {"split": ":".join(map(str, key)), "times": count, "share": f"{count / tries:.1%}"}
    if len(key) == WORKERS:
        orders = 1 if key[0] == key[1] else 2
        cells["by chance"] = f"{orders * math.comb(CONNECTIONS, key[0]) / 2**CONNECTIONS:.1%}"
        cells["must"] = f"0 {'missed' if count else 'met'}" if key[0] in UNEVEN else ""
    return cells


def split(pid: int, port: int, request: bytes, workers: int) -> tuple[int, ...]:
    """Opens the connections at once, and returns the number of connections of each worker, the largest first."""
    # By default, channels to the same address share a connection.
    own = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(f"127.0.0.1:{port}", own) for _ in range(CONNECTIONS)]
    calls = [channel.unary_unary(PREDICT).future(request, timeout=60, wait_for_ready=True) for channel in channels]
    for call in calls:
        call.result()
    counts = connections(pid, port)
    for channel in channels:
        channel.close()
    deadline = time.monotonic() + SECONDS
    while connections(pid, port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The server has not closed its connections after {SECONDS:.0f} s.")
        time.sleep(0.005)
    sizes = sorted(counts.values(), reverse=True)
    return tuple(sizes + [0] * (workers - len(sizes)))


def connections(pid: int, port: int) -> Counter[int]:
    """Returns the number of established connections to a port of the server, by process id.

    Args:
        pid: the process id of the server. Its descendants are searched too.
        port: the server's port.
    """
    sockets = set()
    for table in ("tcp", "tcp6"):
        with suppress(FileNotFoundError):  # no IPv6
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == ESTABLISHED and int(local.rpartition(":")[2], 16) == port:
                    sockets.add(f"socket:[{inode}]")
    counts: Counter[int] = Counter()
    for process in processes(pid):
        for file in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # the process has just closed the file
                counts[int(process.name)] += os.readlink(file) in sockets
    return +counts
