"""What the HTTP connections of a process share: how many there may be, and the bytes that they hold together."""

from __future__ import annotations

from typing import Protocol

from ...limits import Budget

ROOM_MADE = 32  # connections that are ended at once where there are too many


class Connection(Protocol):
    """What the room wants to know of a connection, and may do to it.

    Attributes:
        held: bytes of the budget that it has.
        idle_since: when its last answer was complete; on the event loop's clock.
    """

    held: int
    idle_since: float

    def awaits_client(self) -> bool:
        """Whether nothing is being answered."""

    def is_receiving(self) -> bool:
        """Whether a request body comes in, whose request can be refused still."""

    def abort(self) -> None:
        """Ends it at once."""

    def refuse(self, status: int, message: str) -> None:
        """Ends it with an answer, and gives back what it holds."""


class Room:
    """Where there is none left, those make room who kept the server waiting longest, or who took most.

    Args:
        connections: how many there may be.
        budget: for what they hold together.
    """

    def __init__(self, connections: int, budget: Budget) -> None:
        self._most = connections
        self._budget = budget
        self._all: set[Connection] = set()

    def enter(self, connection: Connection) -> None:
        """A connection begins. Where there are too many, some that wait for their clients end; perhaps this one."""
        self._all.add(connection)
        if len(self._all) > self._most:
            waiting = [each for each in self._all if each.awaits_client()]
            for each in sorted(waiting, key=lambda each: each.idle_since)[:ROOM_MADE]:
                each.abort()

    def leave(self, connection: Connection) -> None:
        """A connection has ended."""
        self._all.discard(connection)
        self.give(connection)

    def take(self, connection: Connection, count: int, *, alone: bool = True) -> bool:
        """Lets a connection hold more bytes; False where only smaller ones than this could make room for them.

        Args:
            alone: whether it may have more than there are, if no other holds any.
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
        """Takes back all that a connection holds."""
        self._budget.give(connection.held)
        connection.held = 0


FULL = "Expected memory for all requests under way. Received: too many at once"
