"""Tests of the limits on the number and memory of HTTP connections."""

from __future__ import annotations

from keras_gallery.serving.api.http.memory_budget import CLOSED_AT_ONCE, FULL, ConnectionMemory
from keras_gallery.serving.limits import Budget


class Connection:
    """A connection that records calls of `abort` and `refuse`."""

    def __init__(
        self, memory: ConnectionMemory, *, idle_since: float = 0.0, receiving: bool = False, busy: bool = False
    ) -> None:
        self._memory = memory
        self.held = 0
        self.idle_since = idle_since
        self.receiving, self.busy = receiving, busy
        self.aborted = False
        self.refused: tuple[int, str] | None = None

    def awaits_client(self) -> bool:
        return not self.busy

    def is_receiving(self) -> bool:
        return self.receiving

    def abort(self) -> None:
        self.aborted = True

    def refuse(self, status: int, message: str) -> None:
        self.refused = (status, message)
        self._memory.give(self)


def test_the_connections_that_have_been_idle_longest_are_closed() -> None:
    memory = ConnectionMemory(100, Budget(1))
    all_ = [Connection(memory, idle_since=float(100 - number), busy=number == 99) for number in range(100)]
    for each in all_:
        memory.enter(each)
    assert not any(each.aborted for each in all_)
    memory.enter(newest := Connection(memory, idle_since=1000.0))
    ended = [each.idle_since for each in all_ if each.aborted]
    assert sorted(ended) == [float(number) for number in range(2, 2 + CLOSED_AT_ONCE)], (
        "closes the connections that have been idle longest, and no busy connection"
    )
    assert not newest.aborted


def test_a_new_connection_is_closed_if_all_others_are_busy() -> None:
    memory = ConnectionMemory(3, Budget(1))
    for _ in range(3):
        memory.enter(Connection(memory, busy=True))
    memory.enter(newest := Connection(memory))
    assert newest.aborted


def test_the_request_with_the_most_memory_is_refused() -> None:
    memory = ConnectionMemory(10, budget := Budget(100))
    small, large, busy, other = (Connection(memory, receiving=number != 2) for number in range(4))
    for each in (small, large, busy, other):
        memory.enter(each)
    assert memory.take(small, 10) and memory.take(large, 50) and memory.take(busy, 40)
    assert memory.take(other, 20)
    assert large.refused == (429, FULL) and large.held == 0
    assert (small.refused, busy.refused, budget.used) == (None, None, 70)
    assert not memory.take(other, 1000), "no other request that can still be refused holds more bytes"
    assert other.refused is None and small.refused is None
    for each in (small, large, busy, other):
        memory.leave(each)
    assert budget.used == 0


def test_a_single_request_may_exceed_the_budget() -> None:
    memory = ConnectionMemory(10, Budget(100))
    memory.enter(one := Connection(memory, receiving=True))
    assert not memory.take(one, 101, alone=False)
    assert memory.take(one, 101) and memory.take(one, 101)
    memory.give(one)
    assert one.held == 0
