"""Calls between the server's own processes over a socket pair. Each end can call the methods that the other end offers.

Messages are pickled. This is safe: both ends are processes of this server, and no pickle comes from a client.
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
    """The other process has ended."""


class Channel:
    """One end of the connection between two processes.

    Args:
        connection: this end of the socket pair. The channel closes this end.
        methods: the methods that the other end may call, by name. Each call runs in its own thread.
        closed: called when the other process has ended.
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
        """Calls a method of the other end. The future has the result, the method's exception or ChannelClosed."""
        answer: Future[Any] = Future()
        number = next(self._numbers)
        with self._state:
            if self._waiting is None:
                answer.set_exception(ChannelClosed("the other process has ended"))
                return answer
            self._waiting[number] = answer
        self._send((True, number, method, arguments))
        return answer

    def call(self, method: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Calls a method of the other end and returns the result.

        Raises the method's exception, ChannelClosed, or TimeoutError after `timeout` seconds.
        """
        return self.submit(method, *arguments).result(timeout)

    def _send(self, message: Any) -> None:
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            pass  # the reading thread handles the closed connection

    def _read(self) -> None:
        while True:
            try:
                is_call, number, *content = self._connection.recv()
            except (EOFError, OSError):
                break
            if is_call:
                method, arguments = content
                threading.Thread(
                    target=self._answer, args=(number, method, arguments), name=method, daemon=True
                ).start()
            else:
                result, error = content
                self._settle(number, result, error)
        with self._state:
            orphans, self._waiting = self._waiting or {}, None
        with contextlib.suppress(OSError):
            self._connection.close()
        for answer in orphans.values():
            answer.set_exception(ChannelClosed("the other process has ended"))
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
        except Exception as error:  # raised in the calling process
            self._send((False, number, None, error))
