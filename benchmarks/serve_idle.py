"""Measures how idle connections affect the server's memory and the speed of other connections."""

from __future__ import annotations

import argparse
import resource
import socket

import load_tools
from serve_common import PREDICT, Table, answer_size, example, megabytes, port_of, progress, request_of, running

HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # connection preface and empty SETTINGS (RFC 9113)
SPARE_FILES = 500  # number of file descriptors that are reserved for other uses than idle connections
SECONDS = 3.0
MODEL = "dense"


def idle(options: argparse.Namespace) -> list[Table]:
    """Measures gRPC requests of one row on two connections, first without and then with idle connections.

    The number of idle connections is `--connections`, or less if the limit on open files is lower.
    """
    if problem := load_tools.missing("h2load"):
        progress(problem)
        return []
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # the server inherits this limit
    count = min(options.connections, limit - SPARE_FILES)
    with running(options, [MODEL]) as server:
        assert server.process is not None
        port, request = port_of(server.grpc), request_of(MODEL, {"x": example(MODEL, 1)})
        size = answer_size(port, PREDICT, request)
        rows = []
        sockets: list[socket.socket] = []
        load_tools.grpc_load(port, PREDICT, request, size, 1.0, connections=2, streams=1)  # warm-up
        for connections in (0, count):
            progress(f"idle: {connections:,} connections")
            sockets += [socket.create_connection(("127.0.0.1", port), 30) for _ in range(connections)]
            for each in sockets:
                each.sendall(HELLO)
            for each in sockets:
                each.recv(9)  # the server sends SETTINGS when it has accepted the connection
            load = load_tools.grpc_load(port, PREDICT, request, size, SECONDS, connections=2, streams=1)
            memory = megabytes(server.process.pid)
            rows.append(
                {
                    "idle connections": f"{connections:,}",
                    "memory MB": memory,
                    "requests/s": load.per_second,
                    "p50 ms": load.p50,
                    "p99 ms": load.p99,
                }
            )
        for each in sockets:
            each.close()
    return [Table("Idle connections", rows)]
