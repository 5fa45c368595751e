"""A host loads and unloads the versions that the manager chooses. `LocalHost` loads versions into this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from .. import memory
from ..core.servable import Servable
from ..core.served_models import ServedModel, ServedModels
from ..engines.base import Runner
from ..errors import ServingError
from ..version_files import Files, FilesChanged, files_of


class Published(NamedTuple):
    """The versions and labels of a model that requests may use.

    Attributes:
        versions: servable ids by version number, highest version first.
        labels: version numbers by label.
    """

    versions: dict[int, int]
    labels: dict[str, int]


Changes = Mapping[str, Published | None]  # by model name; None: the model is not served any more
Loader = Callable[[str, int, Path], Servable]


class Host(Protocol):
    """Loads and unloads servables, each with an id, and makes them available to requests."""

    def load(self, id: int, name: str, version: int, folder: Path, files: Files) -> None:
        """Loads a version. Raises ServingError if loading fails; then no part of the version stays loaded.

        Raises FilesChanged if the folder does not have exactly these files after the load, and Quarantined if the
        version must not be loaded again soon.
        """

    def unload(self, id: int) -> None:
        """Waits for the requests that use the servable, then frees the servable."""

    def publish(self, changes: Changes) -> None:
        """Makes the loaded versions in `changes` available to requests, instead of the models' earlier versions.

        Requests can still use the models that are not in `changes`. Does not wait long: the manager can't do anything
        else meanwhile.
        """


class Reports(Protocol):
    """What a host with several processes reports to the manager about versions that it has loaded."""

    def lost(self, id: int, error: ServingError) -> None:
        """Reports that no process can run the version any more."""

    def changed(self, id: int) -> None:
        """Reports that the version's files have changed, so that a new process can't load the same version."""

    def files_changed(self, folder: Path) -> None:
        """Reports that the files in a loaded version's folder have changed."""


class LocalHost:
    """Loads servables into this process.

    Args:
        load: loads a version's folder as a `Servable`; raises `ServingError`.
        models: the table that requests use.

    Attributes:
        mark: returns a runner that records when it runs the servable with an id.
    """

    def __init__(self, load: Loader, models: ServedModels) -> None:
        self._load = load
        self._models = models
        self.mark: Callable[[Runner, int], Runner] = lambda runner, id: runner
        self._servables: dict[int, Servable] = {}
        self._table: dict[str, ServedModel] = {}
        self._lock = threading.Lock()

    def load(self, id: int, name: str, version: int, folder: Path, files: Files) -> None:
        servable = self._load(name, version, folder)
        if files_of(folder) != files:
            servable.close()
            raise FilesChanged(folder)
        for signature in servable.signatures.values():
            signature.runner = self.mark(signature.runner, id)
        with self._lock:
            self._servables[id] = servable

    def unload(self, id: int) -> None:
        with self._lock:
            servable = self._servables.pop(id)
        servable.close()
        memory.give_back()

    def publish(self, changes: Changes) -> None:
        with self._lock:
            table = dict(self._table)
            for name, model in changes.items():
                if model is None:
                    table.pop(name, None)
                    continue
                versions = {n: self._servables[id] for n, id in model.versions.items() if id in self._servables}
                table[name] = ServedModel(versions, model.labels)
            self._table = table
            self._models.publish(table)
