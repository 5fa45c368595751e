"""A worker process as the manager's process sees it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from ..observe.prometheus import Snapshot
from .channel import Channel

Load = tuple[str, int, Path]  # a model's name, a version, its folder


class Worker:
    """One process and the channel to it."""

    def __init__(
        self, arguments: Sequence[str], methods: Mapping[str, Callable[..., Any]], closed: Callable[[Worker], None], *,
        first: bool,
    ) -> None:  # fmt: skip
        ours, theirs = Pipe()
        self.first = first
        self.ids: set[int] = set()
        self.counts: Snapshot = {}  # as last read: they stay when the process ends
        role = "first" if first else "other"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "keras_gallery.serving.server.worker", str(theirs.fileno()), role, *arguments],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.channel = Channel(ours, methods, lambda: closed(self))

    def load(self, id: int, load: Load) -> None:
        """Loads a version into the process. Raises ServingError, or ChannelClosed where the process ends over it."""
        self.channel.call("load", id, *load)
        self.ids.add(id)

    def unload(self, id: int) -> Future[Any]:
        self.ids.discard(id)
        return self.channel.submit("unload", id)
