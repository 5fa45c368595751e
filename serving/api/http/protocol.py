"""uvicorn's HTTP/1.1 protocol with limits on the size, time and number of requests.

This module is necessary because uvicorn has no limits on headers, request bodies and pipelined requests, and no
timeouts for incomplete requests.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import httptools

from ... import limits
from .connection import HttpConnection
from .memory_budget import FULL, ConnectionMemory

MAX_HEAD_BYTES = 64 << 10  # request line, headers, and all other data that is not a body
MAX_PIPELINED = 64  # requests that wait for an earlier request on the same connection
HEAD_SECONDS = 30.0  # timeout for the request line and headers
BODY_SECONDS = 300.0  # timeout for the body
LINGER_SECONDS = 2.0  # time for a client that is still sending to read the error answer
TOO_LONG = f"The request line and headers are longer than {MAX_HEAD_BYTES} bytes."

_OFFER = (b"connection", b"upgrade", b"http2-settings")  # headers that offer another protocol


REQUEST, HEAD, BODY = range(3)  # the part of a request that the client has to send next


class _Refused(Exception):
    """A callback of the parser raises this to refuse a request. The arguments are an HTTP status and a message."""


def bounded(max_body_bytes: int, processes: int) -> Any:
    """Returns the protocol for `uvicorn.Config(http=…)`.

    Args:
        max_body_bytes: maximum size of a request body in bytes.
        processes: the number of processes that share the memory of the machine.
    """
    memory = ConnectionMemory(limits.connections(), limits.Budget(limits.share_of_memory(processes)))
    return functools.partial(BoundedHttp, max_body_bytes, memory)


class BoundedHttp(HttpConnection):
    """An HTTP connection with limits on requests.

    Args:
        max_body_bytes: maximum size of a request body in bytes.
        memory: the limits on connections and memory, shared by all connections of the process.
        options: the arguments that uvicorn passes to a protocol.
    """

    def __init__(self, max_body_bytes: int, memory: ConnectionMemory, **options: Any) -> None:
        super().__init__(memory, **options)
        self._max_body_bytes = max_body_bytes
        self._phase = self._timed = REQUEST
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0  # received since the last request or the last part of a body
        self._body_bytes = 0
        self._upgrade = False
        self._extensions = {"hold": self.hold}

    # === Requests ===

    def data_received(self, data: bytes) -> None:
        if self.ended:
            return
        self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            refused = error.__context__
            status = 501 if isinstance(error, httptools.HttpParserInvalidMethodError) else 400
            self.refuse(*refused.args if isinstance(refused, _Refused) else (status, f"Malformed request: {error}"))
            return
        if self._head_bytes > MAX_HEAD_BYTES:
            self.refuse(431, TOO_LONG)
        elif self._phase is not self._timed:
            self._start_timer()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Returns whether to keep the connection open: the client has closed its side, but waits for an answer."""
        self.ended = True
        return not self.awaits_client()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Ignores a client's offer to switch to another protocol, by parsing the request again without the offer."""
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers if name not in _OFFER]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._upgrade = False
        self.data_received(b"\r\n".join([*lines, b"\r\n"]) + rest)

    def on_message_begin(self) -> None:
        self._phase = HEAD
        self._body_bytes = 0
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        if self._head_bytes > MAX_HEAD_BYTES:  # the count may include bytes of the body
            if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
                raise _Refused(431, TOO_LONG)
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _Refused(400, "Malformed request: CONNECT")
            self._upgrade = True
            return
        for name, value in self.headers:
            if name == b"content-length" and int(value) > self._max_body_bytes:
                raise self._too_long(int(value))
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _Refused(429, f"Too many requests wait on this connection (limit {MAX_PIPELINED}).")
        super().on_headers_complete()
        if not self.pipeline:
            self.answered = self.cycle
        self._phase = BODY

    def _too_long(self, size: int) -> _Refused:
        return _Refused(413, f"Received message larger than max ({size} vs. {self._max_body_bytes})")

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        self._body_bytes += len(body)
        if self._body_bytes > self._max_body_bytes:
            raise self._too_long(self._body_bytes)
        if self.cycle.response_complete:
            return
        if not self.memory.take(self, len(body)):
            raise _Refused(429, FULL)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._upgrade:
            return
        self._head_bytes = 0
        self._phase = REQUEST
        if self._timer is not None:
            self._stop_timer()
        super().on_message_complete()

    def is_receiving(self) -> bool:
        cycle = self.answered
        return self._phase is BODY and cycle is not None and cycle is self.cycle and not cycle.response_started

    def is_idle(self) -> bool:
        return self._phase is REQUEST and self.awaits_client()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    # === Timeouts ===

    def _start_timer(self) -> None:
        """Starts the timeout for the part of the request that the client has to send next."""
        self._stop_timer()
        self._timed = self._phase
        seconds = HEAD_SECONDS if self._phase is HEAD else BODY_SECONDS
        message = f"The request was not complete within {seconds:g} s."
        self._timer = self.loop.call_later(seconds, self.refuse, 408, message)

    def _stop_timer(self) -> None:
        self._timed = REQUEST
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def refuse(self, status: int, message: str) -> None:
        """Sends an error answer, and ends the connection. Sends no error answer if another answer is being sent."""
        self.ended = True
        self._stop_timer()
        if self.transport.is_closing():
            return
        self.pipeline.clear()
        cycle, receiving = self.answered, self.is_receiving()
        if cycle is not None and receiving:
            cycle.disconnected = True  # wakes the application if it waits for more of the body
            cycle.message_event.set()
        elif cycle is not None and not cycle.response_complete:
            return  # `on_response_complete` ends the connection
        self.memory.give(self)
        if receiving or self._phase is not BODY:
            self.answer(status, message)
        self.flow.resume_reading()  # closing with unread bytes would discard the answer
        self.loop.call_later(LINGER_SECONDS, self.abort)
