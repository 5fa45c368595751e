"""Loads and runs models in the TensorFlow process, over a pool of connections."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ...errors import Code, ServingError, Unavailable, from_code
from ...version_files import FilesChanged
from ...wire import dtypes
from ..base import raise_in_event_loop
from .breaker import ProcessEnded
from .frames import CHANGED, LOAD, NOT_LOADED, RUN, STOP, Buffer, Stream, strings_from_bytes, strings_to_bytes

log = logging.getLogger(__name__)
_CODE_NAMES = {code.value: code.name for code in Code}
# On the event loop, larger requests are not sent, because sending could block.
LOOP_BYTES = 64 << 10
_DELAYS = (0, 0.02, 0.1, 0.5, 1)  # seconds before each attempt: it takes a moment to notice that the process died
_ENDED = "The TensorFlow process ended during the request"

Array = np.ndarray[Any, Any]


class Connections:
    """A pool of connections to the TensorFlow process. The pool grows to the maximum number of parallel requests.

    Args:
        address: returns the Unix socket of the TensorFlow process, and starts the process if it does not run.
        tags: tags of the meta graph to load from each SavedModel.
    """

    def __init__(self, address: Callable[[], str], tags: Sequence[str]) -> None:
        self._address = address
        self._tags = list(tags)
        self._idle: list[Stream] = []  # last in, first out
        self._logged = ""  # the reason why the process could not be started, if the log has it already

    def load(self, folder: Path, stamp: str) -> tuple[Stream, int]:
        """Loads a SavedModel in the TensorFlow process.

        Args:
            folder: the folder of the SavedModel.
            stamp: the result of `stamp_of` for this folder, when the version was loaded.

        Returns:
            a connection and the model's number. The model stays loaded until the connection is closed.

        Raises:
            FilesChanged: the folder now has another stamp, and the process has not loaded the SavedModel before.
            ServingError: TensorFlow can't load the SavedModel, or the TensorFlow process ended.
        """
        stream = self._connect()
        try:
            code, head = _request(stream, LOAD, orjson.dumps([str(folder), self._tags, stamp]))
            if code == CHANGED:
                raise FilesChanged(folder)
            if code:
                raise _error(code, head)
            return stream, orjson.loads(head)
        except ConnectionError:
            stream.close()
            raise Unavailable("The TensorFlow process ended while it loaded a model") from None
        except BaseException:
            stream.close()
            raise

    def start(
        self,
        number: int,
        feeds: Sequence[tuple[str, Array]],
        fetches: Sequence[str],
        milliseconds: int = 0,
        decoded: int = 0,
    ) -> Started:
        """Starts a run of a loaded model.

        Args:
            number: the model's number, from `load`.
            feeds: name and value of each input tensor.
            fetches: names of the output tensors.
            milliseconds: TensorFlow ends the run after this time; 0: no time limit.
            decoded: bytes that the pictures in the inputs take when they are decoded. The run waits until these are
                free in the budget of the process.

        Raises:
            Unavailable: the TensorFlow process could not be started.
            ProcessEnded: the TensorFlow process ended.
            WouldBlock: an event loop runs in this thread, and no connection is idle or the request is large.
        """
        body, described, total = [], [], 0
        for name, array in feeds:
            row = dtypes.of_array(array)
            body.append(_to_buffer(array, row))
            size = memoryview(body[-1]).nbytes
            described.append((name, row.number, array.shape, size))
            total += size
        head = orjson.dumps([number, described, fetches, milliseconds, decoded])
        if total + len(head) > LOOP_BYTES:
            raise_in_event_loop()
        while True:
            try:
                stream, is_new = self._idle.pop(), False
            except IndexError:
                raise_in_event_loop()
                stream, is_new = self._connect(), True
            try:
                stream.write(RUN, head, body)
            except ConnectionError as error:
                stream.close()
                if isinstance(error, BrokenPipeError) and not is_new:
                    continue  # the process ended before it received the request
                raise ProcessEnded(_ENDED) from None
            except BaseException:
                stream.close()
                raise
            return Started(stream, self._idle)

    def stop(self, number: int) -> None:
        """Ends all runs of a model, and frees the model. Does nothing if the model was stopped shortly before.

        For the ended runs, `Started.result` returns None.
        """
        with contextlib.suppress(ConnectionError, Unavailable):  # then the runs have ended with the process
            stream = self._connect()
            try:
                _request(stream, STOP, orjson.dumps(number))
            finally:
                stream.close()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until no other thread of any of the server's processes is in such a block.

        Raises Unavailable if the TensorFlow process could not be started.
        """
        import fcntl  # not on Windows, which has no TensorFlow process either

        with open(Path(self._address()).with_name("alone"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _connect(self) -> Stream:
        for delay in _DELAYS:
            time.sleep(delay)
            connection = socket.socket(socket.AF_UNIX)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LOOP_BYTES)
            try:
                connection.connect(self._address())
                self._logged = ""
                return Stream(connection)
            except OSError as error:
                connection.close()
                reason = error
            except BaseException:
                connection.close()
                raise
        summary = reason.strerror or str(reason)
        if self._logged != summary:
            self._logged = summary
            log.error("could not start or reach the TensorFlow process: %s", reason)
        raise Unavailable("The TensorFlow process could not be started")

    def close(self) -> None:
        """Closes the idle connections. Does not end the TensorFlow process."""
        while self._idle:
            self._idle.pop().close()


class Started:
    """A run in progress."""

    def __init__(self, stream: Stream, idle: list[Stream]) -> None:
        self._stream = stream
        self._idle = idle

    def has_ended(self, seconds: float) -> bool:
        """Waits for the end of the run, up to `seconds`. Returns whether `result` would not block.

        Returns False if the outputs are large. Raises ProcessEnded if the TensorFlow process ended.
        """
        try:
            return self._stream.has_frame(seconds)
        except ConnectionError:
            self._stream.close()
            raise ProcessEnded(_ENDED) from None

    def has_answer(self, seconds: float) -> bool:
        """Waits for the first part of the result or the end of the process. Returns False after `seconds`."""
        return self._stream.has_data(seconds)

    def result(self) -> list[Array] | None:
        """Waits for the end of the run.

        Returns:
            the output tensors, or None if the TensorFlow process has no model with this number.

        Raises:
            ServingError: the model raised an error.
            ProcessEnded: the TensorFlow process ended.
        """
        try:
            code, reply = self._stream.read()
            outputs = [] if code else [_receive(self._stream, *each) for each in orjson.loads(reply)]
        except ConnectionError:
            self._stream.close()
            raise ProcessEnded(_ENDED) from None
        except BaseException:
            self._stream.close()
            raise
        self._idle.append(self._stream)
        if code == NOT_LOADED:
            return None
        if code:
            raise _error(code, reply)
        return outputs


def _request(stream: Stream, kind: int, head: bytes) -> tuple[int, bytes]:
    stream.write(kind, head)
    return stream.read()


def _error(code: int, message: bytes) -> ServingError:
    return from_code(_CODE_NAMES.get(code, "UNKNOWN"), message.decode(errors="replace"))


def _to_buffer(array: Array, row: dtypes.DataType) -> Buffer:
    if row is dtypes.STRING:
        return strings_to_bytes(array.ravel().tolist())
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _receive(stream: Stream, dtype: int, shape: list[int], size: int) -> Array:
    row = dtypes.BY_NUMBER[dtype]
    array = np.empty(shape, row.numpy)
    if row is dtypes.STRING:
        array.reshape(-1)[:] = strings_from_bytes(stream.take(size), array.size)
    elif size:
        stream.take_into(array.reshape(-1).view(np.uint8).data)
    return array
