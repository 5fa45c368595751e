"""A SavedModel that the TensorFlow process has loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ...errors import Unavailable
from ...version_files import FilesChanged, stamp_of
from ..base import raise_in_event_loop
from .connections import Connections
from .frames import Stream


class Model:
    """A SavedModel in the TensorFlow process, shared by the runners of its signatures.

    Args:
        connections: the connections to the TensorFlow process.
        folder: the folder of the SavedModel.
        runners: number of open runners.
        models: all models with open runners. The model removes itself from this set.
        changed: called with the folder if the model must be loaded, and its files are not those of the first load.

    Attributes:
        connections: as above.
        runners: number of open runners.
    """

    def __init__(
        self,
        connections: Connections,
        folder: Path,
        runners: int,
        models: set[Model],
        changed: Callable[[Path], object] = lambda folder: None,
    ) -> None:
        self.connections = connections
        self.runners = runners
        self._folder = folder
        self._stamp = stamp_of(folder)
        self._changed = changed
        self._models = models
        models.add(self)
        self._lock = threading.Lock()
        self._number: int | None = None
        self._connection: Stream | None = None  # keeps the model loaded

    def number(self, stale: int | None = None) -> int:
        """Returns the model's number in the TensorFlow process, and loads the model if necessary.

        Args:
            stale: a model number that is no longer valid, and must not be returned.

        Raises:
            ServingError: the model can't be loaded.
            Unavailable: the model's files have changed since this object was created. Other signatures of this version
                may use the old files.
            WouldBlock: the model is not loaded, and an event loop runs in this thread.
        """
        number = self._number
        if number is not None and number != stale:
            return number
        raise_in_event_loop()
        with self._lock:
            if self._number is None or self._number == stale:
                self._release()
                try:
                    self._connection, self._number = self.connections.load(self._folder, self._stamp)
                except FilesChanged as error:
                    self._changed(self._folder)
                    raise Unavailable(f"{error} Retry later: the server loads them again.") from None
            return self._number

    def close_runner(self) -> None:
        """Decreases the number of open runners by 1. Frees the model if no runner is open."""
        with self._lock:
            self.runners -= 1
        if not self.runners:
            self._models.discard(self)
        self.free_if_unused()

    def free_if_unused(self) -> None:
        """Frees the model if no runner is open.

        If a runner is closed during a run, the run can load the model again. So the runner calls this method after the
        run.
        """
        if not self.runners:
            self.free()

    def free(self) -> None:
        """Frees the model. The next run loads it again."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        self._number = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
