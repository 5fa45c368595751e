"""Compares the server with another server, such as TensorFlow Serving, which runs at the same time on other ports."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from load_tools import Load
from serve_common import KIND, Table, port_of, progress, running
from serve_rows import LATENCY, Measured, Requests, Row, measured, prepare, ratio_cells


class Server(NamedTuple):
    """A running server: its process id, and the functions that send each row's request."""

    pid: int
    requests: dict[Row, Requests]


class Turn(NamedTuple):
    """The figures of one server for one row in one round: full load, half of it in an open loop, one client."""

    full: Measured
    half: Load
    one: Load


def speed(options: argparse.Namespace, rows: list[Row]) -> list[Table]:
    """Measures both servers in turns, and returns tables with the ratios of this server to the other server.

    The server that is measured first changes with each round.
    """
    turns: dict[Row, list[tuple[Turn, Turn]]] = {row: [] for row in rows}
    models = sorted({row.model for row in rows})
    with ExitStack() as stack:
        servers = []
        for program in (None, options.beside):
            server = stack.enter_context(running(options, models, program=program))
            assert server.process is not None
            ports = port_of(server.grpc), port_of(server.rest)
            servers.append(Server(server.process.pid, {row: prepare(row, *ports) for row in rows}))
        for each in servers:  # warm-up
            for requests in each.requests.values():
                requests.full(1.0)
        for number in range(options.rounds):
            progress(f"round {number + 1} of {options.rounds}:", end="")
            for row in rows:
                this, other = in_turns(number, *(partial(turn, server, row, options.seconds) for server in servers))
                turns[row].append((this, other))
                progress(f" {row.name} {this.full.load.per_second / other.full.load.per_second:.2f},", end="")
            progress("")
    names = f"{KIND} (this) and {Path(options.beside).name} (other)"
    return [
        Table(f"Full load: {names}", [full_load(row, turns[row]) for row in rows]),
        Table(
            "Half of each server's own full load, in an open loop",
            [latency(row, turns[row], lambda turn: turn.half, 99) for row in rows],
        ),
        Table(
            "One client, one request at a time", [latency(row, turns[row], lambda turn: turn.one, 50) for row in rows]
        ),
    ]


def in_turns(number: int, this: Callable[[], Any], other: Callable[[], Any]) -> tuple[Any, Any]:
    """Calls both functions and returns their results. Calls `other` first if the round's number is odd."""
    if number % 2:
        second = other()
        return this(), second
    return this(), other()


def turn(server: Server, row: Row, seconds: float) -> Turn:
    requests = server.requests[row]
    full = measured(requests.full, seconds, server.pid)
    return Turn(full, requests.at(full.load.per_second / 2, seconds), requests.one(seconds))


def full_load(row: Row, turns: list[tuple[Turn, Turn]]) -> dict[str, object]:
    """Returns the row of the table of full load. Only one row has a target for CPU time."""
    runs = [(this.full, other.full) for this, other in turns]
    this, other = zip(*runs, strict=True)
    speeds = [a.load.per_second / b.load.per_second for a, b in runs]
    return {
        "row": row.name,
        "requests/s": median(run.load.per_second for run in this),
        "other": median(run.load.per_second for run in other),
        **ratio_cells(speeds, row.speed),
        "CPU ms": median(run.cpu for run in this),
        "other's CPU ms": median(run.cpu for run in other),
        **{"CPU ratio": "", "CPU min–max": "", "CPU must": "", "CPU aim": ""},
        **ratio_cells([a.cpu / b.cpu for a, b in runs], row.own_cpu, "CPU "),
    }


def latency(
    row: Row, turns: list[tuple[Turn, Turn]], load_of: Callable[[Turn], Load], target_of: int
) -> dict[str, object]:
    """Returns the row of a latency table. The target applies to percentile `target_of`, which is 50 or 99."""
    loads = [(load_of(this), load_of(other)) for this, other in turns]
    this, other = zip(*loads, strict=True)
    cells: dict[str, object] = {"row": row.name}
    cells |= {
        "requests/s": median(load.per_second for load in this),
        "other": median(load.per_second for load in other),
    }
    for percentile in (50, 99):
        name = f"p{percentile}"
        cells[f"{name} ms"] = median(getattr(load, name) for load in this)
        cells[f"other's {name} ms"] = median(getattr(load, name) for load in other)
        ratios = [getattr(a, name) / getattr(b, name) for a, b in loads]
        target = LATENCY if percentile == target_of else None
        cells |= ratio_cells(ratios, target, f"{name} ")
    return cells
