"""The TensorFlow process: answers requests on a Unix socket, with one thread per connection.

`process.py` starts this process, and `frames.py` describes the protocol. If several connections load the same
SavedModel, the process loads the SavedModel once, and frees it when the last of these connections ends.
"""

from __future__ import annotations

import _thread
import contextlib
import itertools
import math
import os
import resource
import signal
import socket
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import orjson

from ... import landlock, limits, memory
from ...errors import ResourceExhausted
from ...version_files import FilesChanged, stamp_of
from . import denormals
from .frames import CHANGED, LOAD, NOT_LOADED, PING, STOP, Buffer, Stream, strings_from_bytes, strings_to_bytes
from .library import STRING, TensorFlowError, library
from .session import Session, session_config
from .tensor import Tensor, empty, from_strings

_INTERNAL = 13
# All pictures that are decoded at the same time take at most an eighth of the memory.
PICTURES = limits.WaitingBudget(limits.share_of_memory(2))
# A run waits for this time at most until other pictures are decoded. It is less than `runner.ABANDONED_SECONDS`.
PICTURES_SECONDS = 10.0
ACCEPT_PAUSE_SECONDS = 0.1  # before another try if the system has no file descriptor or thread left
STOP_PAUSE_SECONDS = 60.0  # the runs of a SavedModel are stopped at most once in this time


class Models:
    """The loaded SavedModels, by number, with reference counts."""

    def __init__(self, config: bytes) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._sessions: dict[int, Session] = {}
        self._users: dict[int, int] = {}
        self._loading: dict[Any, Future[int]] = {}  # includes finished loads
        self._stopped: dict[Any, float] = {}  # the time of the last stop of a SavedModel

    def acquire(self, folder: str, tags: list[str], stamp: str) -> int:
        """Loads a SavedModel if it is not loaded yet, and returns its number. Call `release` when done.

        Raises FilesChanged if the SavedModel is not loaded yet, and its files do not have the stamp. Raises
        TensorFlowError if the SavedModel can't be loaded.
        """
        key = (folder, *tags, stamp)
        while True:
            with self._lock:
                loading = self._loading.get(key)
                is_mine = loading is None
                if loading is None:
                    loading = self._loading[key] = Future()
            if is_mine:
                return self._load(key, loading, folder, tags, stamp)
            number = loading.result()
            with self._lock:
                if number in self._users:  # otherwise another thread has just freed it
                    self._users[number] += 1
                    return number

    def _load(self, key: Any, loading: Future[int], folder: str, tags: list[str], stamp: str) -> int:
        try:
            session = Session(Path(folder), tags, self._config)
            if stamp_of(Path(folder)) != stamp:
                raise FilesChanged(folder)
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            loading.set_exception(error)
            raise
        number = next(self._numbers)
        with self._lock:
            self._sessions[number], self._users[number] = session, 1
        loading.set_result(number)
        return number

    def release(self, number: int) -> None:
        """Undoes one call of `acquire`. Frees the model when all calls are undone."""
        with self._lock:
            self._users[number] -= 1
            if self._users[number]:
                return
            del self._users[number]
            self._loading = {key: each for key, each in self._loading.items() if not _is_of(each, number)}
            session = self._sessions.pop(number, None)
        del session  # freed here, or after the last run in progress
        memory.give_back()

    def get(self, number: int) -> Session | None:
        return self._sessions.get(number)

    def stop(self, number: int) -> None:
        """Ends all runs of a model, and frees the model. The SavedModel can be loaded again, with a new number.

        Does nothing if the same SavedModel was stopped less than `STOP_PAUSE_SECONDS` ago, so that clients that give up
        do not stop the runs of other clients again and again.
        """
        with self._lock:
            key = next((key for key, each in self._loading.items() if _is_of(each, number)), None)
            now = time.monotonic()
            self._stopped = {key: at for key, at in self._stopped.items() if now - at < STOP_PAUSE_SECONDS}
            if key is None or key in self._stopped:
                return
            self._stopped[key] = now
            del self._loading[key]
            session = self._sessions.pop(number)
        session.close()


def _is_of(loading: Future[int], number: int) -> bool:
    return loading.done() and not loading.exception() and loading.result() == number


def serve(stream: Stream, models: Models) -> None:
    """Answers the requests of a connection until the connection ends."""
    denormals.flush()  # this thread runs operations itself
    held: list[int] = []
    try:
        while True:
            kind, head = stream.read()
            try:
                if kind == LOAD:
                    held.append(models.acquire(*orjson.loads(head)))
                    stream.write(0, orjson.dumps(held[-1]))
                elif kind == PING:
                    stream.write(0, b"")
                elif kind == STOP:
                    models.stop(orjson.loads(head))
                    stream.write(0, b"")
                else:
                    _run(stream, models, orjson.loads(head))
            except FilesChanged:
                stream.write(CHANGED, b"")
            except TensorFlowError as error:
                stream.write(error.code, str(error).encode())
            except ResourceExhausted as error:
                stream.write(error.code.value, str(error).encode())
            except (ConnectionError, MemoryError):  # the frame may be incomplete: close the connection
                raise
            except Exception as error:  # a bug must not end the process, which serves all models
                stream.write(_INTERNAL, f"{type(error).__name__}: {error}".encode())
    except (ConnectionError, MemoryError):
        pass
    finally:
        stream.close()
        for number in held:
            models.release(number)


def _run(stream: Stream, models: Models, head: Any) -> None:
    number, inputs, outputs, milliseconds, decoded = head
    feeds = [(name, _receive(stream, *rest)) for name, *rest in inputs]
    session = models.get(number)
    if session is None:
        stream.write(NOT_LOADED, b"")
        return
    try:
        seconds = min(PICTURES_SECONDS, milliseconds / 1000 or PICTURES_SECONDS)
        with PICTURES.hold(decoded, seconds) if decoded else contextlib.nullcontext():
            results = session.run(feeds, outputs, milliseconds)
    except TensorFlowError:
        if not session.is_closed:
            raise
        stream.write(NOT_LOADED, b"")
        return
    body = [_to_buffer(tensor) for tensor in results]
    sizes = [memoryview(each).nbytes for each in body]
    described = [(tensor.dtype, tensor.shape, size) for tensor, size in zip(results, sizes, strict=True)]
    stream.write(0, orjson.dumps(described), body)


def _receive(stream: Stream, dtype: int, shape: list[int], size: int) -> Tensor:
    if dtype == STRING:
        return from_strings(shape, strings_from_bytes(stream.take(size), math.prod(shape)))
    tensor = empty(dtype, shape, size)
    stream.take_into(tensor.memory)
    return tensor


def _to_buffer(tensor: Tensor) -> Buffer:
    return strings_to_bytes(tensor.strings()) if tensor.dtype == STRING else tensor.memory


def accept(listener: socket.socket, models: Models) -> None:
    """Accepts a connection, and answers its requests in a thread.

    If the system has no file descriptor or thread left, the connection waits: the runs in progress must not end.
    """
    while True:
        try:
            connection, _ = listener.accept()
            break
        except OSError:
            time.sleep(ACCEPT_PAUSE_SECONDS)
    stream = Stream(connection)
    while True:
        try:
            _thread.start_new_thread(serve, (stream, models))
            return
        except (RuntimeError, MemoryError):
            time.sleep(ACCEPT_PAUSE_SECONDS)


def _exit_when_stdin_closes() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # systemd sends SIGTERM to all processes of a service
        signal.signal(number, signal.SIG_IGN)  # the server ends this process after the requests in progress
    descriptor, intra_op, inter_op = map(int, sys.argv[1:4])
    if temporary := sys.argv[4]:  # the only folder in which this process may write
        os.environ["TMPDIR"] = temporary
        if not landlock.restrict([Path(temporary)]):
            print("no sandbox for TensorFlow: this system has no Landlock", file=sys.stderr)
    threading.Thread(target=_exit_when_stdin_closes, daemon=True).start()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # each worker process opens a connection for each model
    library()
    models = Models(session_config(intra_op, inter_op))
    with socket.socket(fileno=descriptor) as listener:
        while True:
            accept(listener, models)


if __name__ == "__main__":
    main()
