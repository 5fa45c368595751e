"""The program of a worker process.

A worker loads the versions that the manager chooses, and answers requests on the shared ports. The manager's process
starts the worker with one end of a socket pair (`processes/worker_process.py`). The worker stops when the other end is
closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from .. import limits
from ..config import flags
from ..processes.channel import Channel
from ..processes.control import RemoteControl
from .log import set_up_logging
from .loop import run
from .node import Node


async def serve(connection: Connection, unix: socket.socket | None, arguments: Sequence[str]) -> None:
    """Answers requests until the manager's process stops this worker, or until the manager's process ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    values = flags.parse(arguments)
    node = Node(values, lambda: str(channel.call("tensorflow_address")), name=f"worker {os.getpid()}")

    def open_ports() -> None:
        control = RemoteControl(channel.submit)
        asyncio.run_coroutine_threadsafe(node.open(control, unix), loop).result()

    methods: dict[str, Callable[..., Any]] = {
        "load": node.host.load,
        "unload": node.host.unload,
        "publish": node.host.publish,
        "open": open_ports,
        "metrics": node.metrics.snapshot,
        "drain": lambda: loop.call_soon_threadsafe(stop.set),
    }

    def stop_serving() -> None:
        with contextlib.suppress(RuntimeError):  # the event loop may have ended
            loop.call_soon_threadsafe(stop.set)

    channel = Channel(connection, methods, closed=stop_serving)
    await stop.wait()
    await node.drain()


def main() -> None:
    """Runs `python -m keras_gallery.serving.server.worker FD UNIX FLAG…`.

    FD is the file descriptor of the connection to the manager's process. UNIX is the file descriptor of the listening
    Unix socket, or "-" if there is none.
    """
    connection = Connection(int(sys.argv[1]))
    unix = None if sys.argv[2] == "-" else socket.socket(fileno=int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the manager's process stops its workers
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # this server does not reopen its logs on SIGHUP
    limits.raise_open_files()
    set_up_logging()
    run(serve(connection, unix, sys.argv[3:]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # skips unloading the models, since the end of the process frees them


if __name__ == "__main__":
    main()
