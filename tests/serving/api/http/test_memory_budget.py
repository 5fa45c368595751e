"""What HTTP connections share."""

from __future__ import annotations

from keras_gallery.serving.api.http.memory_budget import FULL, ROOM_MADE, Room
from keras_gallery.serving.limits import Budget


class Connection:
    """One that takes down what is done to it."""

    def __init__(self, room: Room, *, idle_since: float = 0.0, receiving: bool = False, busy: bool = False) -> None:
        self._room = room
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
        self._room.give(self)


def test_the_oldest_idle_connections_make_room() -> None:
    room = Room(100, Budget(1))
    all_ = [Connection(room, idle_since=float(100 - number), busy=number == 99) for number in range(100)]
    for each in all_:
        room.enter(each)
    assert not any(each.aborted for each in all_)
    room.enter(newest := Connection(room, idle_since=1000.0))
    ended = [each.idle_since for each in all_ if each.aborted]
    assert sorted(ended) == [float(number) for number in range(2, 2 + ROOM_MADE)], (
        "all but the busy one, from the oldest"
    )
    assert not newest.aborted


def test_a_new_connection_ends_where_all_others_are_busy() -> None:
    room = Room(3, Budget(1))
    for _ in range(3):
        room.enter(Connection(room, busy=True))
    room.enter(newest := Connection(room))
    assert newest.aborted


def test_who_holds_most_makes_room() -> None:
    room = Room(10, budget := Budget(100))
    small, large, busy, other = (Connection(room, receiving=number != 2) for number in range(4))
    for each in (small, large, busy, other):
        room.enter(each)
    assert room.take(small, 10) and room.take(large, 50) and room.take(busy, 40)
    assert room.take(other, 20)
    assert large.refused == (429, FULL) and large.held == 0
    assert (small.refused, busy.refused, budget.used) == (None, None, 70)
    assert not room.take(other, 1000), "it holds most of those who could make room"
    assert other.refused is None and small.refused is None
    for each in (small, large, busy, other):
        room.leave(each)
    assert budget.used == 0


def test_one_alone_may_hold_more_if_it_may() -> None:
    room = Room(10, Budget(100))
    room.enter(one := Connection(room, receiving=True))
    assert not room.take(one, 101, alone=False)
    assert room.take(one, 101) and room.take(one, 101)
    room.give(one)
    assert one.held == 0
