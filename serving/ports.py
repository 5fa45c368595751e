"""TCP ports and Unix sockets: the main process reserves them, and all worker processes listen on them."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

BACKLOG = 4096  # connections that wait until a process accepts them
UNREAD_SECONDS = 60.0  # a connection is closed if the client does not receive any data that was sent for this time


class PortInUse(Exception):
    """Another process uses the port, or the system does not allow this process to use the port."""


def tcp_socket(host: str) -> socket.socket:
    """Returns an unbound TCP socket for IPv6 if `host` is an IPv6 address, otherwise for IPv4."""
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


def reserve(host: str, port: int, flag: str) -> socket.socket:
    """Reserves a port that no other process uses.

    Returns a socket that is bound to the port but does not listen. Sockets from the function `listen` can share the
    port with this socket.

    Args:
        host: the address to listen on.
        port: the port.
        flag: the name of the flag that sets the port, for the error message.

    Raises:
        PortInUse: the port can't be used.
    """
    probe, held = tcp_socket(host), tcp_socket(host)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ignore connections that have just ended
        probe.bind((host, port))
        probe.close()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # without SO_REUSEADDR, so that another probe fails
        held.bind((host, port))
    except OSError as error:
        held.close()
        raise PortInUse(f"Cannot listen on {host}:{port} (--{flag}): {error.strerror}.") from None
    finally:
        probe.close()
    return held


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on a reserved port.

    Each process has its own socket, and the system distributes the connections to these sockets by a hash of their
    addresses. With a shared socket, the first process that wakes up would accept all connections that arrive together.
    """
    bound = tcp_socket(host)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit the setting
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_SECONDS * 1000))
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def listen_unix(path: str) -> socket.socket:
    """Returns a socket that listens on a Unix path. Replaces a socket that a killed server has left behind.

    Raises:
        PortInUse: another process listens on the path, or the path can't be used.
    """
    bound = socket.socket(socket.AF_UNIX)
    try:
        if Path(path).is_socket():
            with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(ConnectionRefusedError):
                probe.setblocking(False)  # do not wait if the other process does not accept connections
                probe.connect(path)
                raise OSError(0, "another process listens on it")
            os.unlink(path)
        bound.bind(path)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise PortInUse(f"Cannot listen on {path} (--grpc_socket_path): {error.strerror or error}.") from None
    return bound


def free_port() -> int:
    """Returns a local port that no process uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
