"""TCP ports: held by the server as a whole, shared by its worker processes."""

from __future__ import annotations

import socket


class PortInUse(Exception):
    """A port that another process listens on, or that may not be had."""


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


def reserve(host: str, port: int, flag: str) -> socket.socket:
    """Makes sure that nobody else has the port, and keeps it: a socket that is bound but does not listen.

    Other sockets of this server may be bound beside it with `listen`. Raises PortInUse, which names `flag`.
    """
    probe, held = _socket(host), _socket(host)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that just ended do not matter
        probe.bind((host, port))
        probe.close()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError as error:
        held.close()
        raise PortInUse(f"Expected a free port for --{flag}. Received: {host}:{port} ({error.strerror})") from None
    finally:
        probe.close()
    return held


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listen(host: str, port: int) -> socket.socket:
    """A socket on a reserved port, beside those of other worker processes."""
    made = _socket(host)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
