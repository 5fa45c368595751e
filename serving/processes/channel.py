"""Calls between the server's own processes over a socket pair. Each end can call the methods that the other end offers.

Messages are pickled. This is safe: both ends are processes of this server, and no pickle comes from a client.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import pickle
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from ..errors import Internal, ResourceExhausted, Unavailable
from ..lifecycle.threads import NO_THREAD, start_thread

log = logging.getLogger(__name__)
MAX_WAITING = 256  # calls that wait for an answer, at each end: the other end may need a thread for each call
# Calls of the manager that must not be refused. Their number does not depend on clients.
UNLIMITED = {"publish", "ping", "drain", "unload"}


class ChannelClosed(Unavailable):
    """The other process has ended."""


class Inline(NamedTuple):
    """A method that never blocks. The thread that reads the channel calls it, so such calls keep their order.

    If the function returns a future, the answer is the result of the future.
    """

    function: Callable[..., Any]


class Cancellable(NamedTuple):
    """A method that waits. The last argument is a function that returns whether the caller has given up waiting."""

    function: Callable[..., Any]


Methods = Mapping[str, Callable[..., Any] | Inline | Cancellable]


class Channel:
    """One end of the connection between two processes.

    Args:
        connection: this end of the socket pair. The channel closes this end.
        methods: the methods that the other end may call, by name. Each call runs in its own thread, except calls of
            `Inline` methods.
        closed: called when the other process has ended.
        greeting: if not None, this object is sent first. The other end must receive it from its connection before it
            creates its `Channel`.
    """

    def __init__(
        self,
        connection: Connection,
        methods: Methods,
        closed: Callable[[], None] = lambda: None,
        greeting: object = None,
    ) -> None:
        self._connection = connection
        self._methods = methods
        self._closed = closed
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()  # to send; None ends the sending thread
        self._waiting: dict[int, Future[Any]] | None = {}  # None: closed
        self._given_up: dict[int, threading.Event] = {}  # by the number of a `Cancellable` call that runs here
        self._state = threading.Lock()
        self._end = threading.Event()
        self._numbers = itertools.count()
        if greeting is not None:
            self._messages.put(greeting)
        start_thread(self._write)
        try:
            start_thread(self._read)
        except NO_THREAD:
            self._messages.put(None)
            raise

    def submit(self, method: str, *arguments: Any) -> Future[Any]:
        """Calls a method of the other end without waiting.

        The future has the result, the method's exception, ChannelClosed, or ResourceExhausted if too many calls wait
        for an answer. If the future is cancelled, a `Cancellable` method learns that nobody waits any more.
        """
        answer: Future[Any] = Future()
        number = next(self._numbers)
        with self._state:
            if self._waiting is None:
                answer.set_exception(ChannelClosed("the other process has ended"))
            elif len(self._waiting) >= MAX_WAITING and method not in UNLIMITED:
                answer.set_exception(ResourceExhausted(f"Too many calls of {method} and other methods in progress."))
            else:
                self._waiting[number] = answer
                self._messages.put(("call", number, method, arguments))
        answer.add_done_callback(partial(self._forget, number))
        return answer

    def call(self, method: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Calls a method of the other end and returns the result.

        Raises the method's exception, ChannelClosed, ResourceExhausted, or TimeoutError after `timeout` seconds.
        """
        answer = self.submit(method, *arguments)
        try:
            return answer.result(timeout)
        finally:
            answer.cancel()

    def wait_until_closed(self, timeout: float | None = None) -> bool:
        """Waits until the other process has ended. Returns False after `timeout` seconds."""
        return self._end.wait(timeout)

    def close(self) -> None:
        """Closes this end. All calls that wait end with ChannelClosed."""
        with self._state:
            orphans, self._waiting = self._waiting or {}, None
        self._messages.put(None)
        for event in list(self._given_up.values()):
            event.set()
        with contextlib.suppress(OSError):
            self._connection.close()
        for answer in orphans.values():
            _settle(answer, None, ChannelClosed("the other process has ended"))
        self._end.set()

    def _forget(self, number: int, answer: Future[Any]) -> None:
        if answer.cancelled():
            with self._state:
                if self._waiting and self._waiting.pop(number, None):
                    self._messages.put(("cancel", number))

    # === Threads ===

    def _write(self) -> None:
        try:
            while (message := self._messages.get()) is not None:
                try:
                    self._connection.send(message)
                except (pickle.PicklingError, TypeError, AttributeError) as error:  # the content can't be pickled
                    self._report(message, error)
        except OSError:
            pass  # the reading thread handles the closed connection
        except Exception:  # such as MemoryError
            log.exception("cannot send messages to another process: closing the channel")
            self.close()

    def _report(self, message: Any, error: Exception) -> None:
        """Reports a message that can't be pickled to the end that waits for the answer."""
        problem = Unavailable(f"{type(error).__name__}: {error}")
        kind, number, *_ = message
        if kind == "call":
            self._settle(number, None, problem)
        else:
            self._messages.put(("answer", number, None, problem))

    def _read(self) -> None:
        try:
            while True:
                self._handle(*self._connection.recv())
        except (EOFError, OSError):
            pass
        except Exception:
            log.exception("the channel to another process failed: closing it")
        self.close()
        self._closed()

    def _handle(self, kind: str, number: int, *content: Any) -> None:
        if kind == "call":
            self._begin(number, *content)
        elif kind == "answer":
            self._settle(number, *content)
        elif event := self._given_up.get(number):
            event.set()

    def _begin(self, number: int, name: str, arguments: tuple[Any, ...]) -> None:
        method = self._methods.get(name)
        if isinstance(method, Inline):
            self._answer(number, method.function, arguments)
            return
        function = method.function if isinstance(method, Cancellable) else method
        if isinstance(method, Cancellable):
            event = self._given_up[number] = threading.Event()
            arguments = (*arguments, event.is_set)
        if function is None:
            self._send_answer(number, None, KeyError(name))
            return
        try:
            start_thread(self._answer, number, function, arguments)
        except NO_THREAD as error:
            self._given_up.pop(number, None)
            self._send_answer(number, None, Unavailable(f"Cannot start a thread for {name}: {error}"))

    def _answer(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        try:
            result = function(*arguments)
        except Exception as error:  # raised in the calling process
            self._send_answer(number, None, _portable(error))
            return
        finally:
            self._given_up.pop(number, None)
        if isinstance(result, Future):
            result.add_done_callback(lambda future: self._send_answer(number, *_outcome(future)))
        else:
            self._send_answer(number, result, None)

    def _send_answer(self, number: int, result: Any, error: BaseException | None) -> None:
        self._messages.put(("answer", number, result, error))

    def _settle(self, number: int, result: Any, error: BaseException | None) -> None:
        with self._state:
            answer = self._waiting.pop(number, None) if self._waiting else None
        if answer is not None:
            _settle(answer, result, error)


def _settle(answer: Future[Any], result: Any, error: BaseException | None) -> None:
    """Sets the result or the error of a future, unless its owner has cancelled it."""
    if answer.set_running_or_notify_cancel():
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)


def _portable(error: Exception) -> Exception:
    """Returns the error, or a similar error if it can't be pickled and read again."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return Internal(f"{type(error).__name__}: {error}")
    return error


def _outcome(future: Future[Any]) -> tuple[Any, BaseException | None]:
    """Returns the result and the error of a finished future."""
    if future.cancelled():
        return None, Unavailable("The other process is stopping.")
    error = future.exception()
    return (None, _portable(error)) if isinstance(error, Exception) else (future.result(), None)
