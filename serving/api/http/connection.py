"""A uvicorn HTTP connection with idle and answer timeouts. All connections share a memory budget.

`protocol.py` adds the limits on requests.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ...errors import ResourceExhausted
from .memory_budget import FULL, ConnectionMemory

KEEP_ALIVE_SECONDS = 120.0  # an idle connection is closed after this time
ANSWER_SECONDS = 300.0  # timeout for a client to read an answer


class HttpConnection(HttpToolsProtocol):
    """An HTTP connection that implements `memory_budget.Connection`.

    Args:
        memory: the limits on connections and memory, shared by all connections of the process.
        options: the arguments that uvicorn passes to a protocol.

    Attributes:
        answered: the request that is being answered or was answered last.
        ended: whether the connection ignores further data from the client.
    """

    def __init__(self, memory: ConnectionMemory, **options: Any) -> None:
        super().__init__(**options)
        self.memory = memory
        self.held = 0
        self.idle_since = 0.0
        self.answered: RequestResponseCycle | None = None
        self.ended = False
        self._answer_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        self._idle_timer = self.loop.call_later(KEEP_ALIVE_SECONDS, self._end_if_idle)
        self.memory.enter(self)

    def _end_if_idle(self) -> None:
        """Closes the connection if it is idle. One timer per connection is cheaper than one timer per request."""
        left = KEEP_ALIVE_SECONDS
        if self.is_idle():
            left -= self.loop.time() - self.idle_since
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self._end_if_idle)
        else:
            self.abort()

    def abort(self) -> None:
        self.transport.abort()

    def refuse(self, status: int, message: str) -> None:
        """Sends an error answer without calling the application, and closes the connection."""
        raise NotImplementedError

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.pipeline.clear()
        if self.answered is not None:
            self.answered.disconnected = True  # uvicorn sets this only for the last request
        self._idle_timer.cancel()
        self.resume_writing()
        super().connection_lost(exc)
        self.memory.leave(self)

    def awaits_client(self) -> bool:
        return self.answered is None or self.answered.response_complete or self.is_receiving()

    def is_receiving(self) -> bool:
        raise NotImplementedError

    def is_idle(self) -> bool:
        """Returns whether there is no request, complete or incomplete."""
        raise NotImplementedError

    def hold(self, count: int) -> None:
        """Takes bytes from the memory budget until the request is answered. The application calls this method.

        Raises ResourceExhausted if the budget is used up.
        """
        if not self.transport.is_closing() and not self.memory.take(self, count, alone=False):
            raise ResourceExhausted(FULL)

    # === Answers ===

    def pause_writing(self) -> None:
        super().pause_writing()
        self._bound_answer()
        if not self.memory.take(self, self.transport.get_write_buffer_size()):
            self.abort()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
            if self.answered is None or self.answered.response_complete:
                self.memory.give(self)

    def _bound_answer(self) -> None:
        """Starts the timeout for the client to read the answer, if the timeout is not running."""
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(ANSWER_SECONDS, self.abort)

    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        if self.pipeline:
            self.answered = self.pipeline[-1][0]
        elif self.held and not self.flow.write_paused:
            self.memory.give(self)
        if self.ended and not self.pipeline:
            self.transport.close()
        if self.transport.is_closing():
            self._bound_answer()
        super().on_response_complete()
        self._unset_keepalive_if_required()  # `_end_if_idle` replaces uvicorn's keep-alive timer

    def answer(self, status: int, message: str) -> None:
        """Writes an error answer without calling the application, and closes the connection for writing."""
        body = json.dumps({"error": message}, indent=4).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.write_eof()
