"""The manager's record of a version: state, error and files."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import ServingError
from ..observe.prometheus import Snapshot, add_value

Files = tuple[tuple[str, int, int], ...]


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
        retry_at: the earliest time of the next try after a failed load, on the clock of `time.monotonic`.
        files: the files at the last load. If the files have changed since a failed load, the load is retried at once.
        previous: an earlier load of the same version, which answers requests until this load is ready.
        id: the id of the servable; each load has its own id.
    """

    number: int
    folder: Path
    state: State = State.START
    error: ServingError | None = None
    attempts: int = 0
    retry_at: float = 0.0
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

    def status(self) -> VersionStatus:
        """Returns the public status. A version stays AVAILABLE while it is loaded again."""
        if self.served():
            return VersionStatus(self.number, State.AVAILABLE)
        if self.error is None:
            return VersionStatus(self.number, self.state)
        return VersionStatus(self.number, self.state, self.error.code.name, str(self.error))


def files_of(folder: Path) -> Files:
    """Returns names, sizes and modification times of all files below `folder`; empty if the folder can't be read.

    The result changes while files are being copied into the folder.
    """
    try:
        files = [(str(p.relative_to(folder)), p.stat()) for p in sorted(folder.rglob("*")) if p.is_file()]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in files)


def version_states(models: Iterable[ModelStatus]) -> Snapshot:
    """Returns a snapshot of the metrics that count the versions of each model in each state."""
    snapshot: Snapshot = {}
    for model in models:
        for version in model.versions:
            add_value(snapshot, "keras_gallery:model_versions", (model.name, version.state.name), 1)
            if version.state is State.AVAILABLE:
                snapshot[":tensorflow:core:session_created"] = {(): 1}
    return snapshot
