"""Where servables live: the manager decides what is loaded, a host loads it. Here, in the process itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from .. import memory
from ..core.servable import Servable
from ..core.served_models import ServedModel, ServedModels


class Published(NamedTuple):
    """What requests may use of a model: the ids of its versions, highest version first, and its labels."""

    versions: dict[int, int]
    labels: dict[str, int]


Table = dict[str, Published]
Loader = Callable[[str, int, Path], Servable]


class Host(Protocol):
    """Loads and unloads servables, each known by an id, and shows them to requests."""

    def load(self, id: int, name: str, version: int, folder: Path) -> None:
        """Loads a version. Raises ServingError where that can't be done; then nothing is left of it."""

    def unload(self, id: int) -> None:
        """Waits for the requests in flight on it, then frees it."""

    def publish(self, table: Table) -> None:
        """From now on requests use these versions, as far as they are loaded."""


class LocalHost:
    """Servables in this process.

    Args:
        load: makes a `Servable` of a version's folder; raises `ServingError`.
        models: what requests look at.
    """

    def __init__(self, load: Loader, models: ServedModels) -> None:
        self._load = load
        self._models = models
        self._servables: dict[int, Servable] = {}
        self._lock = threading.Lock()

    def load(self, id: int, name: str, version: int, folder: Path) -> None:
        servable = self._load(name, version, folder)
        with self._lock:
            self._servables[id] = servable

    def unload(self, id: int) -> None:
        with self._lock:
            servable = self._servables.pop(id)
        servable.close()
        memory.give_back()

    def publish(self, table: Table) -> None:
        with self._lock:
            self._models.publish(
                {
                    name: ServedModel(
                        {n: self._servables[id] for n, id in model.versions.items() if id in self._servables},
                        model.labels,
                    )
                    for name, model in table.items()
                }
            )
