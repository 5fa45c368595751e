"""Manages the versions of one model: compares the model's folder with the loaded versions, and loads and unloads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..config.model_config import ModelConfig
from ..errors import ServingError
from .host import Host, Published
from .versions import State, Version, VersionStatus, files_of

log = logging.getLogger(__name__)


@dataclass
class Resources:
    """The resources that all models share.

    Attributes:
        host: loads the versions.
        changed: the lock for the state of all models; a condition that is notified of every change.
        publish: makes the available versions visible to requests; called with the lock held.
        wake: makes the manager poll the folders at once.
        loads, unloads: the thread pools for loading and unloading.
        retries: how many times to retry a version that could not be loaded.
        retry_seconds: seconds between a failed load and the next try.
        improve: may convert the model in a folder to a faster file format; returns whether to load the model again.
        improvements: the thread pool for `improve`.
    """

    host: Host
    changed: threading.Condition
    publish: Callable[[], None]
    wake: Callable[[], None]
    loads: ThreadPoolExecutor
    unloads: ThreadPoolExecutor
    retries: int
    retry_seconds: float
    improve: Callable[[Path], bool]
    improvements: ThreadPoolExecutor


class ModelVersions:
    """A model and its versions.

    Attributes:
        config: the model's configuration; None if the model is no longer served.
        labels: version numbers by label, for the labels of `config` that `assign_labels` has accepted.
        failed: whether no version could be loaded, or no version was found.
    """

    def __init__(self, config: ModelConfig, resources: Resources) -> None:
        self.name = config.name
        self.config: ModelConfig | None = config
        self.labels: dict[str, int] = {}
        self.failed = False
        self._is_missing = False
        self._known: dict[int, Version] = {}
        self._resources = resources
        self._changed = resources.changed

    # === State: call these methods with the lock held ===

    def statuses(self) -> list[VersionStatus]:
        """Returns the status of all versions, highest first."""
        return [self._known[number].status() for number in sorted(self._known, reverse=True)]

    def published(self) -> Published:
        """Returns the versions and labels that requests may use."""
        served = {number: version.served() for number, version in self._known.items()}
        return Published({n: v.id for n in sorted(served, reverse=True) if (v := served[n])}, dict(self.labels))

    def is_usable(self) -> bool:
        """Returns whether a version is available."""
        return any(version.served() for version in self._known.values())

    def assign_labels(self, *, early: bool) -> None:
        """Accepts the labels of `config` that name an available version.

        With `early`, a new label may name any version. If `config` moves an accepted label to a version that is not
        available, the label stays on its old version, with or without `early`.
        """
        wanted = self.config.labels if self.config else {}
        served = self.published().versions
        accepted = {}
        for label, number in wanted.items():
            if number in served or early and label not in self.labels:
                accepted[label] = number
            elif label in self.labels:
                accepted[label] = self.labels[label]
        self.labels = accepted

    # === Polling ===

    def poll(self) -> None:
        """Compares the folder with the loaded versions, and starts loading and unloading."""
        config, known = self.config, self._known
        if config is None:
            self._unload_all_but([])
            return
        on_disk = self._on_disk(config)
        if on_disk is None:
            return
        failed = {number for number, version in known.items() if version.error is not None}
        retried = {n for n in failed & set(on_disk) if self._is_worth_another_try(known[n])}
        given_up = failed - retried
        wanted = config.wanted(on_disk, given_up)
        for number in wanted:
            version = known.get(number)
            unloaded = version is not None and version.state is State.END and version.error is None
            moved = version is not None and version.folder != on_disk[number] and version.state is State.AVAILABLE
            if version is None or number in retried or unloaded or moved:
                self._begin_loading(number, on_disk[number], version if moved else None)
        if all(known[number].state is State.AVAILABLE for number in wanted):
            self._unload_all_but(wanted)  # not earlier, so that at least one version is always available
        if all(number in given_up or v.state is State.END and v.error is None for number, v in known.items()):
            self._note_failure()

    def _on_disk(self, config: ModelConfig) -> dict[int, Path] | None:
        """Returns the version folders; None if `poll` has nothing to do."""
        try:
            on_disk = config.versions_on_disk()
        except OSError as error:
            if not self._is_missing:
                log.error("model %s: cannot read base path %s: %s", self.name, config.base_path, error.strerror)
            on_disk = {}
            self._is_missing = True
            if self._known:
                return None  # keep the loaded versions
        if on_disk or self._known:
            self._is_missing = False
            return on_disk
        if not self._is_missing:
            log.warning("model %s: no versions found under base path %s", self.name, config.base_path)
        self._is_missing = True
        self._note_failure()
        return None

    def _note_failure(self) -> None:
        with self._changed:
            self.failed = True
            self._changed.notify_all()

    def _is_worth_another_try(self, version: Version) -> bool:
        if version.attempts <= self._resources.retries and time.monotonic() >= version.retry_at:
            return True
        return files_of(version.folder) != version.files

    # === Loading ===

    def _begin_loading(self, number: int, folder: Path, previous: Version | None) -> None:
        with self._changed:
            version = self._known.get(number)
            if version is None or previous is not None:
                version = self._known[number] = Version(number, folder, previous=previous)
            version.folder, version.state, version.error = folder, State.LOADING, None
            version.attempts += 1
        self._resources.loads.submit(self._finish_loading, version)

    def _finish_loading(self, version: Version) -> None:
        error: ServingError | None = None
        files = files_of(version.folder)
        version.renew_id()
        try:
            self._resources.host.load(version.id, self.name, version.number, version.folder)
        except ServingError as problem:
            error = problem
        except Exception as problem:
            log.exception("unexpected error while loading %s version %d", self.name, version.number)
            error = ServingError(f"{type(problem).__name__}: {problem}")
        with self._changed:
            version.error, version.files = error, files
            version.state = State.END if error else State.AVAILABLE
            version.retry_at = time.monotonic() + self._resources.retry_seconds
            previous = version.previous
            if previous is not None and not error:
                version.previous = None
            self._resources.publish()
            if previous is not None and not error:
                self.begin_unloading(previous)
            self._changed.notify_all()
            if not error and previous is None:
                self._resources.improvements.submit(self._improve, version)
        if error:
            log.error("could not load %s version %d: %s", self.name, version.number, error)
        self._resources.wake()

    def _improve(self, version: Version) -> None:
        """Calls `improve` for a version, and loads the version again if `improve` returns True."""
        if self._resources.improve(version.folder):
            with self._changed:
                if self.config and self._known.get(version.number) is version and version.state is State.AVAILABLE:
                    self._begin_loading(version.number, version.folder, version)

    # === Unloading ===

    def _unload_all_but(self, wanted: list[int]) -> None:
        with self._changed:
            leaving = [v for n, v in self._known.items() if n not in wanted and v.state is State.AVAILABLE]
            for version in leaving:
                version.state = State.UNLOADING
            if leaving:
                self._resources.publish()
            for version in leaving:
                self.begin_unloading(version)

    def close(self) -> None:
        """Unloads all versions, without publishing the change. Call it with the lock held."""
        for version in self._known.values():
            for each in filter(None, (version, version.previous)):
                if each.state is State.AVAILABLE:
                    self.begin_unloading(each)

    def begin_unloading(self, version: Version) -> None:
        """Starts to unload a version in a thread. Call it with the lock held."""
        version.state = State.UNLOADING
        self._resources.unloads.submit(self._finish_unloading, version)

    def _finish_unloading(self, version: Version) -> None:
        try:
            self._resources.host.unload(version.id)
        except ServingError as error:
            log.error("could not unload %s version %d: %s", self.name, version.number, error)
        with self._changed:
            version.state = State.END
            self._changed.notify_all()
        log.info("unloaded %s version %d", self.name, version.number)
