"""Starts a worker process from the manager's process, and calls methods in the worker process."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, NamedTuple

from ..lifecycle.running import RunningIds
from ..observe.prometheus import Snapshot
from ..version_files import Files
from .channel import Channel, ChannelClosed, Methods

log = logging.getLogger(__name__)
WORKER = "keras_gallery.serving.server.worker"
# The manager asks each worker for a sign of life once in BEAT_SECONDS, and kills a worker that misses MAX_MISSED beats.
# Beats are counted, because a clock would also count the time in which the manager itself is stopped. A worker that is
# starting or loading may miss more beats, because reading a large graph stops the other threads of the process.
BEAT_SECONDS = 1.0
MAX_MISSED, MAX_MISSED_WHILE_LOADING, MAX_MISSED_AT_START = 10, 30, 60
END_SECONDS = 2.0  # time limit for a process to end after it has closed its channel


class Load(NamedTuple):
    """A version to load.

    Attributes:
        name: the model's name.
        version: the version number.
        folder: the version's folder.
        files: the files in the folder, when the first load began.
        seconds: how long the first load took.
    """

    name: str
    version: int
    folder: Path
    files: Files
    seconds: float = 0.0


class Worker:
    """A worker process and the channel to it.

    Args:
        arguments: the flags for the process.
        settings: the settings from the files that the flags name (`server/settings.py`).
        methods: the methods that the process may call, by name.
        unix: the listening Unix socket, which all workers share; None if there is none.

    Attributes:
        ids: the ids of the servables in the process.
        loading: the ids of the servables whose loads are in progress, or were in progress when the process ended.
        counts: the metrics that were last read from the process, also after the process has ended.
        has_hung: whether the process has missed too many signs of life.

    Raises:
        OSError, RuntimeError: the system has no memory, process, thread or file descriptor left.
    """

    def __init__(
        self, arguments: Sequence[str], settings: object, methods: Methods, unix: socket.socket | None
    ) -> None:
        self.ids: set[int] = set()
        self.loading: set[int] = set()
        self.counts: Snapshot = {}
        self.has_hung = False
        self._missed = 0
        self._allowed = MAX_MISSED_AT_START
        self._has_started = False
        with contextlib.ExitStack() as on_error, contextlib.ExitStack() as theirs:
            ours, other = Pipe()
            on_error.callback(ours.close)
            theirs.callback(other.close)
            self.running = RunningIds.create()
            on_error.callback(self.running.close)
            files = [other.fileno(), self.running.fileno(), *([unix.fileno()] if unix else [])]
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", WORKER, *map(str, files[:2]), str(files[2]) if unix else "-", *arguments],
                pass_fds=files,
            )
            on_error.callback(self.process.wait)
            on_error.callback(self.process.kill)
            self.channel = Channel(ours, methods, greeting=settings)
            on_error.pop_all()
        self._ping = self.channel.submit("ping")

    @property
    def is_late(self) -> bool:
        """Whether the process has not answered the last sign of life in time."""
        return self._missed > 0

    @property
    def is_alive(self) -> bool:
        """Whether the process has started and has answered the last sign of life in time."""
        return self._has_started and not self._missed

    def beat(self) -> bool:
        """Asks for a sign of life. Returns False if the process runs, but has missed too many."""
        if self.process.poll() is not None:
            return True
        if not self._ping.done():
            self._missed += 1
            self.has_hung = self._missed >= self._allowed
            return not self.has_hung
        self._missed = 0
        self._allowed = MAX_MISSED_WHILE_LOADING if self.loading else MAX_MISSED
        self._has_started = not isinstance(self._ping.exception(), ChannelClosed)
        self._ping = self.channel.submit("ping")
        return True

    def load(self, id: int, load: Load) -> Future[Any]:
        """Starts to load a version into the process. The future has the error, if any."""
        self.loading.add(id)
        return self.channel.submit("load", id, load.name, load.version, load.folder, load.files)

    def loaded(self, id: int, error: BaseException | None) -> None:
        """Notes the result of a load. If the process has ended, its replacement loads the version."""
        if not isinstance(error, ChannelClosed):
            self.loading.discard(id)
        if error is None or isinstance(error, ChannelClosed):
            self.ids.add(id)

    def give_up(self, id: int, answer: Future[Any]) -> None:
        """Stops waiting for a load. If the load succeeds later, the process unloads the version."""

        def ended(answer: Future[Any]) -> None:
            self.loading.discard(id)
            if not answer.exception():
                self.unload(id)

        answer.add_done_callback(ended)

    def unload(self, id: int) -> Future[Any]:
        """Starts to unload a version from the process. The future ends when the version is unloaded."""
        self.ids.discard(id)
        return self.channel.submit("unload", id)

    def end(self) -> int:
        """Waits until the process has ended, and returns its exit status. Then call `close`."""
        while not self.channel.wait_until_closed(END_SECONDS) and self.process.poll() is None:
            pass
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.channel.close()
        return status

    def close(self) -> None:
        """Frees the memory that the process has shared."""
        self.running.close()
