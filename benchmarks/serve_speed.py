"""Measures the server's CPU time for a request, divided by an echo server's, so that the machine has little influence.

TensorFlow Serving's figures in the same units are in `serve_rows.py`. They were measured on another machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import echo_server
import load_tools
import serve_beside
from keras_gallery.serving.ports import free_port
from serve_common import Table, answer_size, port_of, progress, running
from serve_rows import Measured, Row, Run, chosen, measured, prepare, ratio_cells

TITLE = "CPU time for a request, in units of the echo server's (TensorFlow Serving's units are from another machine)"


def speed(options: argparse.Namespace) -> list[Table]:
    """Measures each row between two runs of the echo server, in several rounds.

    The unit of a run is the mean of the echo runs before and after it, so that drift of the machine cancels out. With
    `--beside`, compares two servers instead.
    """
    rows = chosen(options)
    if not rows:
        return []
    if options.beside:
        return serve_beside.speed(options, rows)
    runs: dict[Row, list[Measured]] = {row: [] for row in rows}
    units: dict[Row, list[float]] = {row: [] for row in rows}
    with echoing() as (echo, echo_pid), running(options, sorted({row.model for row in rows})) as server:
        assert server.process is not None
        loads = {row: prepare(row, port_of(server.grpc), port_of(server.rest)).full for row in rows}
        for load in (echo, *loads.values()):  # warm-up
            load(1.0)
        echoes = [measured(echo, options.seconds, echo_pid)]
        for number in range(options.rounds):
            progress(f"round {number + 1} of {options.rounds}:", end="")
            for row, load in loads.items():
                runs[row].append(measured(load, options.seconds, server.process.pid))
                echoes.append(measured(echo, options.seconds, echo_pid))
                units[row].append(runs[row][-1].cpu / ((echoes[-2].cpu + echoes[-1].cpu) / 2))
                progress(f" {row.name} {units[row][-1]:.1f},", end="")
            progress("")
    return [Table(TITLE, [figures(row, runs[row], units[row]) for row in rows]), echo_table(echoes)]


def figures(row: Row, runs: list[Measured], units: list[float]) -> dict[str, object]:
    return {
        "row": row.name,
        "units": median(units),
        "TensorFlow Serving": row.units,
        **ratio_cells([each / row.units for each in units], row.cpu),
        "target for": "CPU" if row.own_cpu else "requests/s",
        **speeds(runs),
    }


def echo_table(echoes: list[Measured]) -> Table:
    """Returns a table of the echo server's runs."""
    times = [each.cpu for each in echoes]
    return Table("Echo server", [{**speeds(echoes), "CPU ms, min–max": f"{min(times):.4f}–{max(times):.4f}"}])


def speeds(runs: list[Measured]) -> dict[str, object]:
    return {
        "CPU ms": median(run.cpu for run in runs),
        "requests/s": median(run.load.per_second for run in runs),
        "p50 ms": median(run.load.p50 for run in runs),
        "p99 ms": median(run.load.p99 for run in runs),
    }


@contextmanager
def echoing() -> Iterator[tuple[Run, int]]:
    """Runs the echo server. Yields a function that sends requests to it, and the id of its process."""
    port, message = free_port(), bytes(echo_server.SIZE)
    process = subprocess.Popen([sys.executable, echo_server.__file__, str(port)])
    try:
        size = answer_size(port, echo_server.METHOD, message)
        yield lambda seconds: load_tools.grpc_load(port, echo_server.METHOD, message, size, seconds), process.pid
    finally:
        process.terminate()
        process.wait()
