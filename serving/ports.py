"""TCP ports: the server reserves each port once, and all worker processes listen on the same port."""

from __future__ import annotations

import socket


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
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError as error:
        held.close()
        raise PortInUse(f"Cannot listen on {host}:{port} (--{flag}): {error.strerror}.") from None
    finally:
        probe.close()
    return held


def free_port() -> int:
    """Returns a local port that no process uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that is bound to a reserved port. Each worker process binds its own socket to the same port."""
    bound = tcp_socket(host)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
