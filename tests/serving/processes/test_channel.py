"""Tests of the channel between two processes. In these tests, both ends are in one process."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from multiprocessing import Pipe
from typing import Any

import pytest
from keras_gallery.serving.errors import Internal, NotFound, ResourceExhausted, Unavailable
from keras_gallery.serving.processes import channel
from keras_gallery.serving.processes.channel import Cancellable, Channel, ChannelClosed, Inline

SECONDS = 10


def fail() -> None:
    raise NotFound("there is none")


class Awkward(Exception):
    """An error that can't be read from its pickle."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def fail_awkwardly() -> None:
    raise Awkward(1, 2)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel, threading.Event]]:
    """Returns both ends, and an event that is set when the first end is closed. The second end has most methods."""
    ours, theirs = Pipe()
    closed, other_closed, gate = threading.Event(), threading.Event(), threading.Event()
    methods: dict[str, Callable[..., Any]] = {"add": lambda a, b: a + b, "fail": fail, "wait": gate.wait, "unload": int}
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


# === Faults ===


def test_a_call_that_takes_too_long(ends: Any) -> None:
    one = ends[0]
    with pytest.raises(TimeoutError):
        one.call("wait", SECONDS, timeout=0.01)
    one.call("open")
    assert one.call("add", 1, 1) == 2


def test_too_many_calls(ends: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = ends[0]
    monkeypatch.setattr(channel, "MAX_WAITING", 3)
    waiting = [one.submit("wait", SECONDS) for _ in range(3)]
    with pytest.raises(ResourceExhausted):
        one.call("add", 1, 1)
    assert one.call("unload", 1, timeout=SECONDS) == 1  # calls of the manager are not refused
    assert waiting.pop().cancel()  # a call that is given up makes room
    one.call("open")
    assert all(each.result(SECONDS) for each in waiting)


def test_a_thread_that_cannot_be_started(ends: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets an error, and the channel continues."""
    one = ends[0]

    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(channel, "start_thread", refuse)
        with pytest.raises(Unavailable, match="^Cannot start a thread for add: can't start new thread$"):
            one.call("add", 1, 1, timeout=SECONDS)
    assert one.call("add", 1, 1, timeout=SECONDS) == 2


def test_values_and_errors_that_cannot_be_pickled(ends: Any) -> None:
    one, other, _ = ends
    other._methods["lock"] = threading.Lock
    other._methods["awkward"] = fail_awkwardly
    with pytest.raises(Unavailable, match="pickle"):
        one.call("lock", timeout=SECONDS)
    with pytest.raises(Unavailable, match="pickle"):
        one.call("add", threading.Lock(), 1, timeout=SECONDS)
    with pytest.raises(Internal, match="^Awkward: 1 and 2$"):
        one.call("awkward", timeout=SECONDS)
    assert one.call("add", 1, 1, timeout=SECONDS) == 2


# === Kinds of methods ===


def test_inline_methods_keep_their_order(ends: Any) -> None:
    one, other, _ = ends
    called: list[int] = []
    later: Future[str] = Future()
    other._methods["note"] = Inline(called.append)
    other._methods["later"] = Inline(lambda: later)
    answer = one.submit("later")
    for each in [one.submit("note", number) for number in range(100)]:
        each.result(SECONDS)
    assert called == list(range(100))
    assert not answer.done()
    later.set_result("done")
    assert answer.result(SECONDS) == "done"


def test_a_method_learns_that_its_caller_has_given_up(ends: Any) -> None:
    one, other, _ = ends
    begun, ended = threading.Event(), threading.Event()

    def wait(is_cancelled: Callable[[], bool]) -> None:
        begun.set()
        while not is_cancelled():
            ended.wait(0.005)
        ended.set()

    other._methods["cancel"] = Cancellable(wait)
    answer = one.submit("cancel")
    assert begun.wait(SECONDS) and not ended.is_set()
    answer.cancel()
    assert ended.wait(SECONDS)
