"""Calls between the server's own processes, over a socket pair: either end calls the methods that the other offers.

Messages are pickled: both ends are ours, and nothing that a client sent is ever unpickled.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from multiprocessing.connection import Connection
from typing import Any

from ..errors import Unavailable


class ChannelClosed(Unavailable):
    """The other end is gone."""


class Channel:
    """One end.

    Args:
        connection: the socket, from now on this object's own.
        methods: what the other end may call; each call has a thread of its own.
        closed: called once the other end is gone.
    """

    def __init__(
        self,
        connection: Connection,
        methods: Mapping[str, Callable[..., Any]],
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._methods = methods
        self._closed = closed
        self._sending = threading.Lock()
        self._waiting: dict[int, Future[Any]] | None = {}  # None: closed
        self._state = threading.Lock()
        self._numbers = itertools.count()
        threading.Thread(target=self._read, name="channel", daemon=True).start()

    def submit(self, method: str, *arguments: Any) -> Future[Any]:
        """Calls a method of the other end; the future has its result, its exception, or ChannelClosed."""
        answer: Future[Any] = Future()
        number = next(self._numbers)
        with self._state:
            if self._waiting is None:
                answer.set_exception(ChannelClosed("the other process is gone"))
                return answer
            self._waiting[number] = answer
        self._send((True, number, method, arguments))
        return answer

    def call(self, method: str, *arguments: Any, timeout: float | None = None) -> Any:
        """As `submit`, and waits. Raises TimeoutError where that takes longer than `timeout` seconds."""
        return self.submit(method, *arguments).result(timeout)

    def _send(self, message: Any) -> None:
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            pass  # the reader notices, too

    def _read(self) -> None:
        while True:
            try:
                is_call, number, what, arguments = self._connection.recv()
            except (EOFError, OSError):
                break
            if is_call:
                threading.Thread(target=self._answer, args=(number, what, arguments), name=what, daemon=True).start()
            else:
                self._settle(number, what, arguments)
        with self._state:
            orphans, self._waiting = self._waiting or {}, None
        with contextlib.suppress(OSError):
            self._connection.close()
        for answer in orphans.values():
            answer.set_exception(ChannelClosed("the other process ended"))
        self._closed()

    def _settle(self, number: int, result: Any, error: BaseException | None) -> None:
        with self._state:
            answer = self._waiting.pop(number, None) if self._waiting else None
        if answer is None:
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    def _answer(self, number: int, method: str, arguments: Any) -> None:
        try:
            self._send((False, number, self._methods[method](*arguments), None))
        except Exception as error:  # the caller's to deal with
            self._send((False, number, None, error))
