"""What not every operating system has: some signals, sockets that share a port, and Unix sockets."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable

# Whether several processes can listen on the same port. Windows has no such sockets.
CAN_SHARE_PORTS = hasattr(socket, "SO_REUSEPORT")
HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX")


def is_unix(bound: socket.socket) -> bool:
    """Returns whether a socket is a Unix socket."""
    return HAS_UNIX_SOCKETS and bound.family == socket.AF_UNIX


def ignore_hangup() -> None:
    """Ignores SIGHUP: this server does not reopen its logs."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def on_signal(loop: asyncio.AbstractEventLoop, number: int, function: Callable[[], object]) -> None:
    """Calls a function on the event loop when this process receives a signal. Call it in the main thread."""
    try:
        loop.add_signal_handler(number, function)
    except NotImplementedError:  # the event loops of Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(function))
