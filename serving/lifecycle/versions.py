"""What the manager knows of a version: its state, its error, its files."""

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
    """The life of a version, with the numbers of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class VersionStatus(NamedTuple):
    """What is told of a version: its number, its state, and the error that it ended with (code "OK": none)."""

    number: int
    state: State
    error_code: str = "OK"
    error_message: str = ""


class ModelStatus(NamedTuple):
    """A configured model and what is known of its versions, highest first."""

    name: str
    versions: list[VersionStatus]


_ids = itertools.count(1)


@dataclass
class Version:
    """What the manager knows of one version.

    Attributes:
        id: tells loads of the same version apart.
        files: what was there when a load failed: a change is worth another try at once.
        previous: an earlier load of it, served until this one is ready.
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
        """Another id, for another try to load it."""
        self.id = next(_ids)

    def served(self) -> Version | None:
        """What requests get under this number: itself, or the previous one while this one is not ready."""
        if self.state is State.AVAILABLE:
            return self
        return self.previous if self.previous and self.previous.state is State.AVAILABLE else None

    def status(self) -> VersionStatus:
        """What is told of it: it is available also while another load of it replaces the one that is served."""
        if self.served():
            return VersionStatus(self.number, State.AVAILABLE)
        if self.error is None:
            return VersionStatus(self.number, self.state)
        return VersionStatus(self.number, self.state, self.error.code.name, str(self.error))


def files_of(folder: Path) -> Files:
    """Names, sizes and times of all files below `folder`: changes while a copy goes on."""
    try:
        found = [(str(p.relative_to(folder)), p.stat()) for p in sorted(folder.rglob("*")) if p.is_file()]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def version_states(models: Iterable[ModelStatus]) -> Snapshot:
    """How many versions of each model are in each state."""
    found: Snapshot = {}
    for model in models:
        for version in model.versions:
            add_value(found, "keras_gallery:model_versions", (model.name, version.state.name), 1)
            if version.state is State.AVAILABLE:
                found[":tensorflow:core:session_created"] = {(): 1}
    return found
