"""The request log: one line of JSON for each request, in a file or on standard output.

Requests never wait for the log: a thread writes the lines. If the queue is full or a write fails, the line is dropped
and counted in a metric. Several processes may append to one file, since each line is a single write. After log
rotation, the next line creates a new file; no signal is needed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import queue
import random
import re
import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

from ..errors import InvalidArgument
from .metrics import Metrics
from .observation import Observation

log = logging.getLogger(__name__)
WAITING_LINES = 10_000  # maximum length of the queue
DROPPED = "keras_gallery:request_log_dropped_total"
_TRACEPARENT = re.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
MAX_TEXT = 128  # maximum number of characters of a text from a client: a line must fit into one atomic write


class _Line(NamedTuple):
    """A request and its arrival time in seconds since 1970."""

    arrival: float
    request: Observation


def check(path: str) -> None:
    """Raises InvalidArgument if the file can't be opened. Creates the file if it does not exist.

    A pipe may have no reader yet.
    """
    try:
        if path != "-":
            os.close(_open(path))
    except OSError as error:
        if error.errno == errno.ENXIO:  # a pipe whose reader may come later
            return
        raise InvalidArgument(f"Cannot write to the file {path} of --request_log: {error.strerror}") from None


def _open(path: str) -> int:
    # With O_NONBLOCK, opening a pipe without a reader fails, instead of waiting for a reader.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o644)
    os.set_blocking(file, True)
    return file


class RequestLog:
    """Writes the request log in a thread.

    If the file can't be opened, lines are dropped until it can be opened again. A worker process that replaces another
    one thus answers requests even if the folder of the log has been deleted meanwhile.

    Args:
        path: the file; "-": standard output.
        metrics: counts the written lines and the dropped lines.
    """

    def __init__(self, path: str, metrics: Metrics) -> None:
        self._path = path
        self._metrics = metrics
        self._queue: queue.Queue[_Line | None] = queue.Queue(WAITING_LINES)
        self._file: int | None = 1 if path == "-" else None
        self._cut = False  # whether the last line was written only in part
        self._failing = False
        if path != "-":
            with contextlib.suppress(OSError):  # the next line tries again
                self._file = _open(path)
        self._thread = threading.Thread(target=self._run, name="request log", daemon=True)
        self._thread.start()

    def record(self, request: Observation) -> None:
        """Queues a line for the request, or drops it if the queue is full. The request must not change afterwards."""
        request.model, request.signature = request.model[:MAX_TEXT], request.signature[:MAX_TEXT]
        try:
            self._queue.put_nowait(_Line(time.time() - request.seconds, request))
        except queue.Full:
            self._metrics.add(DROPPED, ("full queue",))

    def close(self, seconds: float = 2.0) -> None:
        """Writes the queued lines. Gives up after `2 * seconds`."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=seconds)
        self._thread.join(seconds)

    # === In the log's thread ===

    def _run(self) -> None:
        while line := self._queue.get():
            try:
                self._write(_text(line))
            except Exception as error:  # the thread must go on with the next line
                self._metrics.add(DROPPED, ("failed write",))
                if not self._failing:
                    log.warning(
                        "cannot write to request log %s: %s (requests are answered as usual)", self._path, error
                    )
                self._failing = True
            else:
                self._failing = False
                labels = (line.request.model, line.request.status)
                self._metrics.add(":tensorflow:serving:request_log_count", labels, known=line.request.status == "OK")
        if self._file is not None and self._path != "-":
            os.close(self._file)

    def _write(self, text: bytes) -> None:
        if self._path != "-" and not self._is_there():
            if self._file is not None:
                os.close(self._file)
                self._file = None
            self._file = _open(self._path)
            self._cut = False
        assert self._file is not None
        data = b"\n" + text if self._cut else text
        written = os.write(self._file, data)
        self._cut = written < len(data)
        if self._cut:
            raise OSError("a line was written only in part")

    def _is_there(self) -> bool:
        """Returns whether the open file is still the file at `path`. Returns False after log rotation."""
        try:
            named = os.stat(self._path)
        except FileNotFoundError:
            return False
        return self._file is not None and os.path.samestat(named, os.fstat(self._file))


def _text(line: _Line) -> bytes:
    request = line.request
    trace = _TRACEPARENT.fullmatch(request.traceparent)
    document = {
        "time": datetime.fromtimestamp(line.arrival, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "request_id": request.request_id[:MAX_TEXT] or f"{random.getrandbits(64):016x}",
        "trace_id": trace[1] if trace else None,
        "face": request.face,
        "method": request.method,
        "model": request.model,
        "version": request.version,
        "signature": request.signature,
        "status": request.status,
        "seconds": round(request.seconds, 6),
        "runtime_seconds": round(request.runtime_seconds, 6),
        "request_bytes": request.request_bytes,
        "response_bytes": request.response_bytes,
        "rows": request.rows,
        "batch_rows": request.batch_rows,
        "peer": request.peer[:MAX_TEXT],
        "engine": request.engine,
        "token": request.access.name if request.access else None,
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
