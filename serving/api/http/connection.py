"""One HTTP connection: how long it lasts, what it holds of the memory that all share, and what goes out on it.

What comes in is read in `http_protocol.py`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ...errors import ResourceExhausted
from .memory_budget import FULL, Room

KEEP_ALIVE_SECONDS = 120.0  # without a request
ANSWER_SECONDS = 300.0  # in which a client has read its answer


class HttpConnection(HttpToolsProtocol):
    """A connection (see `http_room.Connection`).

    Args:
        room: what it shares with the others.
        uvicorns: what uvicorn says.

    Attributes:
        answered: the request whose turn it is.
        ended: whether nothing more is read.
    """

    def __init__(self, room: Room, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.room = room
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
        self.room.enter(self)

    def _end_if_idle(self) -> None:
        """One timer a connection, looked at now and then, is cheaper than one a request."""
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
        """Answers so, in the application's place, and ends."""
        raise NotImplementedError  # where requests are read

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.pipeline.clear()
        if self.answered is not None:
            self.answered.disconnected = True  # uvicorn tells the request that came last
        self._idle_timer.cancel()
        self.resume_writing()
        super().connection_lost(exc)
        self.room.leave(self)

    def awaits_client(self) -> bool:
        return self.answered is None or self.answered.response_complete or self.is_receiving()

    def is_receiving(self) -> bool:
        raise NotImplementedError

    def is_idle(self) -> bool:
        """Whether there is no request, not even the beginning of one."""
        raise NotImplementedError

    def hold(self, count: int) -> None:
        """For the application: until its answer is out, its request takes so many bytes more.

        Raises ResourceExhausted where they are not there.
        """
        if not self.transport.is_closing() and not self.room.take(self, count, alone=False):
            raise ResourceExhausted(FULL)

    # === What goes out ===

    def pause_writing(self) -> None:
        super().pause_writing()
        self._bound_answer()
        if not self.room.take(self, self.transport.get_write_buffer_size()):
            self.abort()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
            if self.answered is None or self.answered.response_complete:
                self.room.give(self)

    def _bound_answer(self) -> None:
        """The client has so long to read what is written."""
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(ANSWER_SECONDS, self.abort)

    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        if self.pipeline:
            self.answered = self.pipeline[-1][0]
        elif self.held and not self.flow.write_paused:
            self.room.give(self)
        if self.ended and not self.pipeline:
            self.transport.close()
        if self.transport.is_closing():
            self._bound_answer()
        super().on_response_complete()
        self._unset_keepalive_if_required()  # there is `_end_if_idle`

    def answer(self, status: int, message: str) -> None:
        """Says it in the application's place, and that nothing else will be said."""
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
