"""Limits the number of HTTP connections of a process, and the memory of all these connections."""

from __future__ import annotations

from typing import Protocol

from ...limits import Budget

CLOSED_AT_ONCE = 32  # if there are too many connections, up to this many are closed together


class Connection(Protocol):
    """The part of a connection that `ConnectionMemory` uses.

    Attributes:
        held: bytes that the connection has taken from the budget.
        idle_since: the event loop's time when the connection was opened or its last answer was complete.
    """

    held: int
    idle_since: float

    def awaits_client(self) -> bool:
        """Returns whether the connection waits for the client. False if the server is answering a complete request."""

    def is_receiving(self) -> bool:
        """Returns whether a request body is being received and the answer to the request has not started."""

    def abort(self) -> None:
        """Closes the connection at once."""

    def refuse(self, status: int, message: str) -> None:
        """Sends an error answer, returns the connection's bytes to the budget, and closes the connection."""


class ConnectionMemory:
    """Limits the number of connections and the memory of their requests.

    If there are too many connections, the connections that have been idle longest are closed. If the memory budget is
    used up, the requests that hold the most memory are refused.

    Args:
        connections: the maximum number of connections.
        budget: the bytes that all connections may hold together.
    """

    def __init__(self, connections: int, budget: Budget) -> None:
        self._most = connections
        self._budget = budget
        self._all: set[Connection] = set()

    def enter(self, connection: Connection) -> None:
        """Adds a connection. If there are too many, closes idle connections, perhaps also the new one."""
        self._all.add(connection)
        if len(self._all) > self._most:
            waiting = [each for each in self._all if each.awaits_client()]
            for each in sorted(waiting, key=lambda each: each.idle_since)[:CLOSED_AT_ONCE]:
                each.abort()

    def leave(self, connection: Connection) -> None:
        """Removes a connection that was closed."""
        self._all.discard(connection)
        self.give(connection)

    def take(self, connection: Connection, count: int, *, alone: bool = True) -> bool:
        """Takes bytes from the budget for a connection.

        If the budget is used up, refuses requests that hold more bytes than the connection, the largest first.

        Args:
            connection: the connection.
            count: the number of bytes.
            alone: whether the connection may exceed the budget if no other connection holds any bytes.

        Returns:
            Whether the bytes were taken. False if the budget is used up and no other request that can still be refused
            holds more bytes.
        """
        while not self._budget.take(count, connection.held if alone else -1):
            others = (each for each in self._all if each.held and each.is_receiving())
            largest = max(others, key=lambda each: each.held, default=connection)
            if largest.held <= connection.held:
                return False
            largest.refuse(429, FULL)
        connection.held += count
        return True

    def give(self, connection: Connection) -> None:
        """Returns all bytes of a connection to the budget."""
        self._budget.give(connection.held)
        connection.held = 0


FULL = "The memory budget for requests is used up. Retry later."
