"""The manager's record of a version: state, error and files."""

from __future__ import annotations

import enum
import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import Internal, ServingError
from ..observe.prometheus import Snapshot, add_value
from ..version_files import Files, files_of

QUARANTINE_SECONDS = 600.0  # pause before a version that has crashed processes is loaded again
CHANGE_SECONDS = 10.0  # maximum time in seconds before a failed version whose files have changed is loaded again


class Quarantined(Internal):
    """The version has crashed the processes that ran it, or its load takes too long.

    It is not loaded again soon, unless its files change.
    """


class State(enum.Enum):
    """The state of a version, with the numbers of TensorFlow Serving's `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class VersionStatus(NamedTuple):
    """The public status of a version: number, state, and the error of the last load (code "OK": no error)."""

    number: int
    state: State
    error_code: str = "OK"
    error_message: str = ""


class ModelStatus(NamedTuple):
    """A configured model and the status of its versions, highest first."""

    name: str
    versions: list[VersionStatus]


_ids = itertools.count(1)


@dataclass
class Version:
    """The manager's record of one version.

    Attributes:
        number: the version number.
        folder: the version's folder.
        state: the version's state.
        error: the error of the last load; None if there was no error.
        attempts: how many times loading was started.
        has_failed: whether the last complete load has failed.
        failed_at: the time of the last failed load, on the clock of `time.monotonic`.
        files: the files at the last load. If the files have changed since a failed load, the load is retried at once.
        previous: an earlier load of the same version, which answers requests until this load is ready.
        id: the id of the servable; each load has its own id.
    """

    number: int
    folder: Path
    state: State = State.START
    error: ServingError | None = None
    attempts: int = 0
    has_failed: bool = False
    failed_at: float = 0.0
    files: Files = ()
    previous: Version | None = None
    id: int = 0

    def renew_id(self) -> None:
        """Sets a new id for another load."""
        self.id = next(_ids)

    def served(self) -> Version | None:
        """Returns the load that answers requests: this load, or the previous load until this load is ready, or None."""
        if self.state is State.AVAILABLE:
            return self
        return self.previous if self.previous and self.previous.state is State.AVAILABLE else None

    def is_leaving(self) -> bool:
        """Returns whether the version is being unloaded, or is not loaded."""
        return self.state in (State.UNLOADING, State.END)

    def status(self) -> VersionStatus:
        """Returns the public status. A version stays AVAILABLE while it is loaded again."""
        if self.served():
            return VersionStatus(self.number, State.AVAILABLE)
        if self.error is None:
            return VersionStatus(self.number, self.state)
        return VersionStatus(self.number, self.state, self.error.code.name, str(self.error))

    def fail(self, error: ServingError, files: Files) -> None:
        """Notes that the load has failed, or that the loaded version is lost."""
        self.state, self.error, self.files = State.END, error, files
        self.has_failed, self.failed_at = True, time.monotonic()

    def may_retry(self, folder: Path, retries: int, retry_seconds: float) -> bool:
        """Returns whether to load a failed version again from `folder`.

        After a pause of `retry_seconds`, a version is loaded again up to `retries` times; a version in quarantine after
        a pause of `QUARANTINE_SECONDS`, because the cause may have been a shortage of memory or threads. A version
        whose files have changed is loaded again after `pause_after_change`.
        """
        if self.error is None or self.state is not State.END:
            return False
        if folder != self.folder:
            return True
        pause = time.monotonic() - self.failed_at
        if self.attempts <= retries and pause >= self._least_pause(retry_seconds):
            return True
        return pause >= self.pause_after_change() and files_of(folder) != self.files

    def pause_after_change(self) -> float:
        """Returns the pause in seconds before changed files are loaded again: 0.02 s, doubled with each attempt."""
        return min(float(0.01 * 2 ** min(self.attempts, 30)), CHANGE_SECONDS)

    def _least_pause(self, retry_seconds: float) -> float:
        return max(QUARANTINE_SECONDS, retry_seconds) if isinstance(self.error, Quarantined) else retry_seconds


def version_states(models: Iterable[ModelStatus]) -> Snapshot:
    """Returns a snapshot of the metrics that count the versions of each model in each state."""
    snapshot: Snapshot = {}
    for model in models:
        for version in model.versions:
            add_value(snapshot, "keras_gallery:model_versions", (model.name, version.state.name), 1)
            if version.state is State.AVAILABLE:
                snapshot[":tensorflow:core:session_created"] = {(): 1}
    return snapshot
