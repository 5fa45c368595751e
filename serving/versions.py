"""What the manager knows of a version: its state, its error, its files."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from .errors import ServingError
from .servable import Servable

Files = tuple[tuple[str, int, int], ...]


class State(enum.Enum):
    """The life of a version, with the numbers of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class Version:
    """What is known of one version."""

    number: int
    folder: Path
    state: State = State.START
    error: ServingError | None = None
    servable: Servable | None = None
    attempts: int = 0
    retry_at: float = 0.0
    files: Files = ()  # what was there when a load failed: a change is worth another try at once


def files_of(folder: Path) -> Files:
    """Names, sizes and times of all files below `folder`: changes while a copy goes on."""
    try:
        found = [(str(p.relative_to(folder)), p.stat()) for p in sorted(folder.rglob("*")) if p.is_file()]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
