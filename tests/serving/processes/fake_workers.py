"""Workers without processes: the other end of the channel is in this process."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
from concurrent.futures import Future
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from keras_gallery.serving.errors import NotFound
from keras_gallery.serving.lifecycle.host import Changes, Published
from keras_gallery.serving.lifecycle.running import RunningIds
from keras_gallery.serving.processes.channel import Channel, Inline
from keras_gallery.serving.processes.worker_process import Worker
from keras_gallery.serving.version_files import Files, FilesChanged, files_of

_pids = itertools.count(1)


class FakeProcess:
    """Has the methods of `Popen` that the pool uses. The end of the process closes its connection."""

    def __init__(self, connection: Connection) -> None:
        self.pid = next(_pids)
        self._copy = socket_of(connection)
        self._ended = threading.Event()
        self.returncode = 0

    def end(self, status: int) -> None:
        if not self._ended.is_set():
            self.returncode = status
            self._ended.set()
            self._copy.shutdown(2)
            self._copy.close()

    def kill(self) -> None:
        self.end(-signal.SIGKILL)

    def poll(self) -> int | None:
        return self.returncode if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self.returncode


def socket_of(connection: Connection) -> Any:
    import socket

    return socket.socket(fileno=os.dup(connection.fileno()))


class FakeWorker(Worker):
    """A worker that "loads" a version if its folder exists. The file `crash` in the folder ends the process.

    Attributes:
        hang: set it to stop the worker, as SIGSTOP does.
        table: the models that requests may use.
        is_open: whether the ports were opened.
    """

    def __init__(self) -> None:
        self.ids, self.loading, self.counts, self.has_hung = set(), set(), {}, False
        self._missed, self._allowed, self._has_started = 0, 100, False
        ours, theirs = Pipe()
        self.running = RunningIds.create()
        self.process: Any = FakeProcess(theirs)
        self.hang = threading.Event()
        self.continues = threading.Event()
        self.table: dict[str, Published] = {}
        self.is_open = False
        methods = {
            "load": self._load_folder,
            "unload": lambda id: None,
            "publish": Inline(self._publish),
            "open": Inline(self._open),
            "metrics": Inline(self._metrics),
            "ping": Inline(self._answer_ping),
            "drain": Inline(lambda: self.process.end(0)),
        }
        self.other = Channel(theirs, methods)
        self.channel = Channel(ours, {})
        self._ping = self.channel.submit("ping")

    def _load_folder(self, id: int, name: str, version: int, folder: Path, files: Files) -> None:
        if (folder / "crash").exists():
            self.process.end(-signal.SIGSEGV)
        if not folder.exists():
            raise NotFound("no folder")
        if files_of(folder) != files:
            raise FilesChanged(folder)

    def crash(self, *running: int) -> None:
        """Ends the process in native code while it runs the servables with these ids."""
        for cell, id in enumerate(running):
            self.running._cells[cell] = id
        self.process.end(-signal.SIGSEGV)

    def _wait(self) -> None:
        if self.hang.is_set():
            self.continues.wait(30)

    def _answer_ping(self) -> Future[None]:
        self._wait()
        answer: Future[None] = Future()
        answer.set_result(None)
        return answer

    def _publish(self, changes: Changes) -> None:
        self._wait()
        self.table = {name: model for name, model in {**self.table, **changes}.items() if model}

    def _open(self) -> None:
        self._wait()
        self.is_open = True

    def _metrics(self) -> dict[str, Any]:
        self._wait()
        return {"requests": {(): 1.0}}
