"""Tests of the channel between two processes. In these tests, both ends are in one process."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from typing import Any

import pytest
from keras_gallery.serving.errors import NotFound
from keras_gallery.serving.processes.channel import Channel, ChannelClosed

SECONDS = 10


def fail() -> None:
    raise NotFound("there is none")


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel, threading.Event]]:
    """Returns both ends, and an event that is set when the first end is closed. The second end has most methods."""
    ours, theirs = Pipe()
    closed, other_closed, gate = threading.Event(), threading.Event(), threading.Event()
    methods: dict[str, Callable[..., Any]] = {"add": lambda a, b: a + b, "fail": fail, "wait": gate.wait}
    with socket.fromfd(theirs.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as copy:
        other = Channel(theirs, methods | {"open": gate.set}, other_closed.set)
        one = Channel(ours, {"name": lambda: "one"}, closed.set)
        yield one, other, closed
        gate.set()
        with contextlib.suppress(OSError):  # a test may have shut the connection down
            copy.shutdown(socket.SHUT_RDWR)
        assert closed.wait(SECONDS) and other_closed.wait(SECONDS)  # each channel closes its connection


def test_calls_both_ways(ends: Any) -> None:
    one, other, _ = ends
    assert one.call("add", 2, 3) == 5
    assert other.call("name") == "one"


def test_errors_are_raised_in_the_caller(ends: Any) -> None:
    with pytest.raises(NotFound, match="^there is none$"):
        ends[0].call("fail")
    with pytest.raises(KeyError):
        ends[0].call("unknown")


def test_a_long_call_does_not_delay_others(ends: Any) -> None:
    one = ends[0]
    waiting = one.submit("wait", SECONDS)
    assert one.call("add", 1, 1) == 2
    assert not waiting.done()
    one.call("open")
    assert waiting.result(SECONDS) is True


def test_the_other_process_ends(ends: Any) -> None:
    one, other, closed = ends
    waiting = one.submit("wait", SECONDS)
    with socket.fromfd(other._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as theirs:
        theirs.shutdown(socket.SHUT_RDWR)  # as if the process of this end had ended
    assert isinstance(waiting.exception(SECONDS), ChannelClosed)
    assert closed.wait(SECONDS)
    with pytest.raises(ChannelClosed):
        one.call("add", 1, 1, timeout=SECONDS)
