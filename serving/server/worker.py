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
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path

from .. import limits
from ..config import flags
from ..lifecycle.running import RunningIds
from ..processes.channel import Channel, Inline, Methods
from ..processes.control import RemoteControl
from ..system import ignore_hangup, on_signal
from .log import set_up_logging
from .loop import exit_now, run
from .node import Node
from .settings import Settings

TENSORFLOW_SECONDS = 10.0  # time limit for the manager's process to start the TensorFlow process


async def serve(
    connection: Connection,
    running: RunningIds,
    unix: socket.socket | None,
    arguments: Sequence[str],
    settings: Settings,
) -> None:
    """Answers requests until the manager's process stops this worker, or until the manager's process ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    on_signal(loop, signal.SIGTERM, stop.set)
    values = flags.parse(arguments)

    def tensorflow_address() -> str:
        return str(channel.call("tensorflow_address", timeout=TENSORFLOW_SECONDS))

    def changed(folder: Path) -> None:
        channel.submit("files_changed", folder)

    node = Node(values, settings, tensorflow_address, name=f"worker {os.getpid()}", changed=changed)
    node.host.mark = running.mark

    def open_ports() -> Future[None]:
        return asyncio.run_coroutine_threadsafe(node.open(RemoteControl(channel.submit), unix), loop)

    def ping() -> Future[None]:
        """Returns a future that ends when the event loop runs."""
        answer: Future[None] = Future()
        loop.call_soon_threadsafe(answer.set_result, None)
        return answer

    def stop_serving() -> None:
        with contextlib.suppress(RuntimeError):  # the event loop may have ended
            loop.call_soon_threadsafe(stop.set)

    methods: Methods = {
        "load": node.host.load,
        "unload": node.host.unload,
        "publish": Inline(node.host.publish),
        "open": Inline(open_ports),
        "metrics": Inline(node.metrics.snapshot),
        "ping": Inline(ping),
        "drain": Inline(stop_serving),
    }

    channel = Channel(connection, methods, closed=stop_serving)
    await stop.wait()
    await node.drain()


def main() -> None:
    """Runs `python -m keras_gallery.serving.server.worker CONNECTION RUNNING UNIX FLAG…`.

    The first arguments are file descriptors: of the connection to the manager's process, of the shared memory for
    `RunningIds`, and of the listening Unix socket ("-" if there is none). The first message on the connection is the
    `Settings`: private keys do not belong into the arguments of a process, which other users can read.
    """
    connection = Connection(int(sys.argv[1]))
    running = RunningIds(int(sys.argv[2]))
    unix = None if sys.argv[3] == "-" else socket.socket(fileno=int(sys.argv[3]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the manager's process stops its workers
    ignore_hangup()
    limits.raise_open_files()
    set_up_logging()
    try:
        settings = connection.recv()
    except EOFError:  # the manager's process has ended
        exit_now(0)
    run(serve(connection, running, unix, sys.argv[4:], settings))
    exit_now(0)


if __name__ == "__main__":
    main()
