"""Manages the versions of one model: compares the model's folder with the loaded versions, and loads and unloads."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..config.model_config import ModelConfig
from ..errors import ServingError, Unimplemented
from ..version_files import Files, FilesChanged, check_files, files_of
from .folders import VersionFolders
from .host import Published
from .resources import Resources
from .versions import Quarantined, State, Version, VersionStatus

log = logging.getLogger(__name__)
MAX_FALLBACKS = 10  # if so many versions that are higher can't be loaded, no further lower versions are tried
MAX_REMOVED = 100  # failed versions whose folder was removed, and whose status requests can still read


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
        self._folders = VersionFolders()
        self._known: dict[int, Version] = {}
        self._polls: dict[Path | None, bool] = {}  # base paths of polls in progress: whether to poll again afterwards
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

    def is_past(self) -> bool:
        """Returns whether the model is no longer served, and no version is loaded, loading or being unloaded."""
        return self.config is None and all(
            version.state is State.END and version.previous is None for version in self._known.values()
        )

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

    def forget_failures(self) -> None:
        """Makes `poll` load the failed versions as if they were new."""
        self.failed = False
        for number in [n for n, version in self._known.items() if version.has_failed and not version.served()]:
            if self._known[number].state is State.END:
                del self._known[number]

    # === Polling ===

    def start_poll(self) -> None:
        """Compares the folder with the loaded versions, in a thread, and starts loading and unloading.

        If a poll of the same base path is in progress, another poll begins when it is done. Reading the folder may take
        forever. A later poll, with another base path, does not wait for it.
        """
        with self._changed:
            path = self.config.base_path if self.config else None
            is_new = path not in self._polls
            self._polls[path] = not is_new
            if is_new:
                self._resources.polls.submit(self._poll, self.config)

    def _poll(self, config: ModelConfig | None) -> None:
        path = config.base_path if config else None
        try:
            on_disk = self._folders.read(config) if config else {}
            if on_disk is None or not on_disk and not self._known:
                self._note_failure()
                return  # keep the loaded versions
            retries, pause = self._resources.retries, self._resources.retry_seconds
            known = dict(self._known)
            retried = {n for n, folder in on_disk.items() if n in known and known[n].may_retry(folder, retries, pause)}
            with self._changed:
                if path == (self.config.base_path if self.config else None):
                    self._compare(on_disk, retried)
        except Exception:  # an error in one model must not stop the other models
            log.exception("model %s: checking its versions failed", self.name)
        finally:
            with self._changed:
                if self._polls.pop(path, False):
                    self.start_poll()

    def _compare(self, on_disk: dict[int, Path], retried: set[int]) -> None:
        """Starts loading and unloading. Call it with the lock held."""
        config, known = self.config, self._known
        if config is None:
            self._unload_all_but([], {})
            return
        failed = {number for number, version in known.items() if version.error is not None}
        if config.latest and not config.specific:
            on_disk = dict(sorted(on_disk.items(), reverse=True)[: config.latest + MAX_FALLBACKS])
        wanted = config.wanted(on_disk, failed - retried)
        for number in wanted:
            version = known.get(number)
            unloaded = version is not None and version.state is State.END and version.error is None
            moved = version is not None and version.folder != on_disk[number] and not version.is_leaving()
            if version is None or number in retried or unloaded or moved:
                self._begin_loading(number, on_disk[number], version if moved else None)
        if all(known[number].state is State.AVAILABLE for number in wanted):
            self._unload_all_but(wanted, on_disk)  # not earlier, so that at least one version is always available
        removed = [number for number, version in known.items() if version.has_failed and number not in on_disk]
        for number in sorted(removed, key=lambda number: known[number].failed_at)[:-MAX_REMOVED]:
            if known[number].state is State.END:
                del known[number]
        tried = {number for number, version in known.items() if version.has_failed}
        if tried.issuperset(config.wanted(on_disk, tried)) and not self.is_usable():
            self._note_failure()

    def _note_failure(self) -> None:
        with self._changed:
            self.failed = True
            self._changed.notify_all()

    # === Loading ===

    def _begin_loading(self, number: int, folder: Path, previous: Version | None) -> None:
        """Starts to load a version. `previous` is an earlier load of this version, which is served until then."""
        with self._changed:
            version = self._known.get(number)
            if version is None or previous is not None:
                version = self._known[number] = Version(number, folder, previous=previous and previous.served())
            version.folder, version.state, version.error = folder, State.LOADING, None
            version.attempts += 1
        self._resources.loads.submit(self._finish_loading, version)

    def _finish_loading(self, version: Version) -> None:
        error: ServingError | None = None
        files = files_of(version.folder)
        version.renew_id()
        try:
            check_files(version.folder)
            self._load(version, files)
        except ServingError as problem:
            error = problem
        except Exception as problem:
            log.exception("unexpected error while loading %s version %d", self.name, version.number)
            error = ServingError(f"{type(problem).__name__}: {problem}")
        with self._changed:
            self._note_load(version, error, files)
            self._changed.notify_all()
        if error:
            log.error("could not load %s version %d: %s", self.name, version.number, error)
        self.start_poll()
        if isinstance(error, FilesChanged):  # try again, even if the server does not poll regularly
            later = threading.Timer(version.pause_after_change(), self.start_poll)
            later.daemon = True
            with contextlib.suppress(RuntimeError):  # no thread can be started
                later.start()

    def _load(self, version: Version, files: Files) -> None:
        """Loads a version. If no engine can run it, tries again after `improve`. Raises ServingError."""
        load = functools.partial(
            self._resources.host.load, version.id, self.name, version.number, version.folder, files
        )
        try:
            load()
        except Unimplemented:
            if not self._resources.improve(version.folder):
                raise
            load()

    def _note_load(self, version: Version, error: ServingError | None, files: Files) -> None:
        """Notes the result of a load. Call it with the lock held."""
        if self._known.get(version.number) is not version:  # the version was loaded from another folder meanwhile
            if not error:
                self.begin_unloading(version)
            return
        if error:
            version.fail(error, files)
            self._resources.publish(self)
            return
        version.state, version.error, version.files, version.has_failed = State.AVAILABLE, None, files, False
        previous, version.previous = version.previous, None
        self._resources.publish(self)
        if previous is not None:
            self.begin_unloading(previous)
        if previous is None or previous.files != files:
            self._resources.improvements.submit(self._improve, version)

    # === Versions that the host can't run any more ===

    def find(self, id: int) -> Version | None:
        """Returns the load with this id, if requests may use it. Call it with the lock held."""
        return next((served for each in self._known.values() if (served := each.served()) and served.id == id), None)

    def lose(self, load: Version, error: ServingError) -> None:
        """Unloads a load that the host can't run any more. Call it with the lock held, and publish the change."""
        log.error("%s version %d is not available any more: %s", self.name, load.number, error)
        version = self._known[load.number]
        self.begin_unloading(replace(load))  # a copy, because the version may be loaded again before the end
        if version is load:
            version.attempts = version.attempts if isinstance(error, Quarantined) else 1
            # Reading the folder here could take forever. With (), the version is loaded again at once.
            version.fail(error, version.files if isinstance(error, Quarantined) else ())
        else:
            version.previous = None

    def renew(self, load: Version) -> None:
        """Loads a version again, from its changed files. Call it with the lock held."""
        if self._known[load.number] is load:
            log.warning("the files of %s version %d have changed: loading them again", self.name, load.number)
            self._begin_loading(load.number, load.folder, load)

    def renew_all_in(self, folder: Path) -> None:
        """Loads the versions in `folder` again, because the files there have changed. Call it with the lock held."""
        for version in list(self._known.values()):
            if version.state is State.AVAILABLE and version.folder == folder:
                self.renew(version)

    def _improve(self, version: Version) -> None:
        """Calls `improve` for a version, and loads the version again if `improve` returns True."""
        if self._resources.improve(version.folder):
            with self._changed:
                if self.config and self._known.get(version.number) is version and version.state is State.AVAILABLE:
                    self._begin_loading(version.number, version.folder, version)

    # === Unloading ===

    def _unload_all_but(self, wanted: list[int], on_disk: Mapping[int, Path]) -> None:
        with self._changed:
            leaving = []
            for number, version in self._known.items():
                if number in wanted:
                    continue
                if version.state is State.AVAILABLE:
                    leaving.append(version)
                elif version.state is State.END and version.previous and (wanted or number not in on_disk):
                    # Loading the version again has failed. The earlier load answered requests until now.
                    leaving.append(version.previous)
                    version.previous = None
            for version in leaving:
                version.state = State.UNLOADING
            if leaving:
                self._resources.publish(self)
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
