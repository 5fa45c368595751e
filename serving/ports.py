"""TCP ports and Unix sockets: the main process reserves them, and all worker processes listen on them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

from .system import CAN_SHARE_PORTS, HAS_UNIX_SOCKETS

BACKLOG = 4096  # connections that wait until a process accepts them
ATTACH_FILTER = 51  # SO_ATTACH_REUSEPORT_CBPF of Linux, which the module `socket` does not name
IDLE_SECONDS = 120  # after this time without a byte, the system asks whether the client is still there
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
        if CAN_SHARE_PORTS:  # on Windows, SO_REUSEADDR would let two processes use a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ignore connections that have just ended
        probe.bind((host, port))
        probe.close()
        if CAN_SHARE_PORTS:  # otherwise, the port stays free until the only process listens on it
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # no SO_REUSEADDR, so that another probe fails
            held.bind((host, port))
    except OSError as error:
        held.close()
        raise PortInUse(f"Cannot listen on {host}:{port} (--{flag}): {error.strerror}.") from None
    finally:
        probe.close()
    return held


def listen(host: str, port: int, workers: int = 1) -> socket.socket:
    """Returns a socket that listens on a reserved port.

    Each process has its own socket. With a shared socket, the first process that wakes up would accept all connections
    that arrive together.

    Args:
        host: the address to listen on.
        port: the port.
        workers: the number of processes that listen on the port.

    Raises:
        OSError: the system does not allow the socket.
    """
    bound = tcp_socket(host)
    if CAN_SHARE_PORTS:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a client may be gone without closing the connection
    if hasattr(socket, "TCP_KEEPIDLE"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_SECONDS)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit the setting
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_SECONDS * 1000))
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
        if sys.platform == "linux" and workers > 1:
            _spread_connections(bound, workers)
    except OSError:
        bound.close()
        raise
    return bound


def _spread_connections(bound: socket.socket, workers: int) -> None:
    """Chooses the socket of a new connection by the client's port, for all sockets that listen on the same port.

    Linux would choose it by a hash. One time in fifteen, the hash gives seven or more of eight connections to one of
    two processes. The ports of connections that a client opens one after the other grow by 2 to 16, so that
    `port / 16 % workers` shares them more evenly. If the socket with this number does not exist, Linux uses the hash.
    Does nothing if the system does not support such filters.
    """
    header = 0x100000000 - 0x100000  # the address of the IP header for a filter (SKF_NET_OFF)
    instructions = (  # BPF: code, jump if true, jump if false, number
        (0x30, 0, 0, header),  # load the first byte of the IP header
        (0x54, 0, 0, 0xF0),  # the IP version
        (0x15, 0, 2, 0x60),  # for version 6,
        (0x28, 0, 0, header + 40),  # load the client's port, which follows a header of 40 bytes
        (0x05, 0, 0, 5),
        (0x30, 0, 0, header),  # for version 4,
        (0x54, 0, 0, 0x0F),
        (0x64, 0, 0, 2),
        (0x07, 0, 0, 0),  # compute the length of the header
        (0x48, 0, 0, header),  # and load the client's port, which follows the header
        (0x74, 0, 0, 4),
        (0x94, 0, 0, workers),
        (0x16, 0, 0, 0),  # return port / 16 % workers
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    program = struct.pack("HP", len(instructions), ctypes.addressof(code))
    with contextlib.suppress(OSError):
        bound.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, program)


def listen_unix(path: str) -> socket.socket:
    """Returns a socket that listens on a Unix path. Replaces a socket that a killed server has left behind.

    Raises:
        PortInUse: another process listens on the path, or the path can't be used.
    """
    if not HAS_UNIX_SOCKETS:
        raise PortInUse(f"Cannot listen on {path} (--grpc_socket_path): this system has no Unix sockets.")
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


def remove_unix(path: str, bound: os.stat_result) -> None:
    """Removes the file of a Unix socket, unless another server has replaced it.

    Call it before the socket is closed: the system may then use the number of the file for another file.

    Args:
        path: the path of the socket.
        bound: the result of `os.stat(path)` after `listen_unix`.
    """
    with contextlib.suppress(OSError):
        if os.path.samestat(os.stat(path), bound):
            os.unlink(path)


def free_port() -> int:
    """Returns a local port that no process uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
