"""Cancels a request whose client has closed the connection."""

from __future__ import annotations

import asyncio
from types import TracebackType

from ...errors import Cancelled
from .body import Receive

WATCH_SECONDS = 0.1  # most requests are answered before, and do not need a watching task


class UntilDisconnect:
    """A context manager for the time after the body of a request has arrived.

    Raises Cancelled if the client closes the connection, or its HTTP/2 stream, within the block.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self._start)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._gone and kind is asyncio.CancelledError:
            raise Cancelled("The client closed the connection.") from None

    def _start(self) -> None:
        self._watching = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()
