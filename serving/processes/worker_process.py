"""Starts a worker process from the manager's process, and calls methods in the worker process."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from ..observe.prometheus import Snapshot
from .channel import Channel

WORKER = "keras_gallery.serving.server.worker"
Load = tuple[str, int, Path]  # the name of a model, a version number, and the folder of the version


class Worker:
    """A worker process and the channel to it.

    Args:
        arguments: the flags for the process.
        methods: the methods that the process may call, by name.
        closed: called when the process has ended.
        unix: the listening Unix socket, which all workers share; None if there is none.

    Attributes:
        ids: the ids of the servables in the process.
        counts: the metrics that were last read from the process, also after the process has ended.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        methods: Mapping[str, Callable[..., Any]],
        closed: Callable[[Worker], None],
        unix: socket.socket | None,
    ) -> None:
        ours, theirs = Pipe()
        self.ids: set[int] = set()
        self.counts: Snapshot = {}
        number = str(unix.fileno()) if unix else "-"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER, str(theirs.fileno()), number, *arguments],
            pass_fds=[theirs.fileno(), *([unix.fileno()] if unix else [])],
        )
        theirs.close()
        self.channel = Channel(ours, methods, lambda: closed(self))

    def load(self, id: int, load: Load) -> None:
        """Loads a version into the process. Raises ServingError, or ChannelClosed if the process ends meanwhile."""
        self.channel.call("load", id, *load)
        self.ids.add(id)

    def unload(self, id: int) -> Future[Any]:
        """Starts to unload a version from the process. The future ends when the version is unloaded."""
        self.ids.discard(id)
        return self.channel.submit("unload", id)
