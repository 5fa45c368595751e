"""Keeps the versions of all models as their folders and policies want them: load, swap, unload, report.

A thread looks at the folders. A version is loaded beside the one in use and takes over once it is ready; only then
is the old one unloaded, after its last request. A version that can't be loaded is reported and tried again, and
what is served goes on being served.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .errors import InvalidArgument, NotFound, ServingError
from .model_config import ModelConfig
from .servable import Servable
from .versions import State, Version, files_of
from .wire.predict import ModelSpec

log = logging.getLogger(__name__)
Loader = Callable[[str, int, Path], Servable]


class Manager:
    """All models and their versions.

    Args:
        configs: the models to serve.
        load: makes a `Servable` of a version's folder; raises `ServingError`.
        poll_seconds: how often to look at the folders; 0: once at the start.
        retries: how often to try again a version that could not be loaded.
        retry_seconds: how long to wait before that.
    """

    def __init__(
        self,
        configs: Sequence[ModelConfig],
        load: Loader,
        *,
        poll_seconds: float = 1.0,
        retries: int = 5,
        retry_seconds: float = 60.0,
    ) -> None:
        self._configs = {config.name: config for config in configs}
        self._load = load
        self._poll_seconds = poll_seconds
        self._retries, self._retry_seconds = retries, retry_seconds
        self._models: dict[str, dict[int, Version]] = {name: {} for name in self._configs}
        self._available: dict[str, dict[int, Servable]] = {}  # replaced as a whole: readers need no lock
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._stopping = False
        self._missing: set[str] = set()
        self._given_up: set[str] = set()  # models without a version that could be loaded
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="load")
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    # === For requests ===

    def find(self, spec: ModelSpec) -> Servable:
        """The servable that a request means: the version or label it names, the highest otherwise."""
        versions = self._available.get(spec.name)
        version = spec.version
        if spec.label is not None:
            config = self._configs.get(spec.name)
            version = config.labels.get(spec.label) if config else None
            if config is None:
                raise NotFound(f"Servable not found for request: Latest({spec.name})")
            if version is None:
                raise InvalidArgument(f"Unrecognized servable version label: {spec.label}")
        if version is None:
            if not versions:
                raise NotFound(f"Servable not found for request: Latest({spec.name})")
            return versions[next(iter(versions))]  # highest first
        if not versions or version not in versions:
            raise NotFound(f"Servable not found for request: Specific({spec.name}, {version})")
        return versions[version]

    @contextmanager
    def using(self, spec: ModelSpec) -> Iterator[Servable]:
        """Finds a servable and keeps it loaded for the time of one request. Errors as `find`."""
        servable = self.find(spec)
        while not servable.acquire():  # it was swapped for another between the two lines
            servable = self.find(spec)
        try:
            yield servable
        finally:
            servable.release()

    def status(self, name: str, version: int | None = None) -> list[Version]:
        """What is known of a model's versions, or of one, highest first. Raises NotFound where there are none."""
        with self._changed:
            known = self._models.get(name, {})
            found = [known[number] for number in sorted(known, reverse=True) if version in (None, number)]
        if found:
            return found
        if version is not None:
            raise NotFound(f"Could not find version {version} of model {name}")
        raise NotFound(f"Could not find any versions of model {name}")

    def models(self) -> list[str]:
        """The names of all configured models."""
        return sorted(self._configs)

    # === Life cycle ===

    def start(self) -> None:
        """Begins to load and to watch, in the background."""
        self._thread.start()

    def wait_until_settled(self, timeout: float | None = None) -> bool:
        """Waits until every model has a version available or has failed; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(self._settled, timeout)

    def stop(self) -> None:
        """Ends watching and closes all that is loaded, after the requests in flight."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(cancel_futures=True)
        self._available = {}
        for versions in self._models.values():
            for version in versions.values():
                if version.servable is not None:
                    version.servable.close()

    def _settled(self) -> bool:
        return self._stopping or all(
            self._available.get(name) or name in self._missing or name in self._given_up for name in self._models
        )

    # === Watching ===

    def _watch(self) -> None:
        while not self._stopping:
            for config in self._configs.values():
                try:
                    self._look(config)
                except Exception:  # one model's trouble must not stop the others
                    log.exception("model %s: could not be looked after", config.name)
            self._wake.wait(self._poll_seconds or None)
            self._wake.clear()

    def _look(self, config: ModelConfig) -> None:
        """Compares a model's folder with what is loaded, and starts what is to be done."""
        known = self._models[config.name]
        try:
            on_disk = config.versions_on_disk()
        except OSError as error:
            on_disk = {}
            if config.name not in self._missing:
                log.error("model %s: expected versions in %s: %s", config.name, config.base_path, error.strerror)
            if known:
                return  # what is loaded stays
        if not on_disk and not known:
            if config.name not in self._missing:
                log.warning("model %s: no versions found under base path %s", config.name, config.base_path)
            with self._changed:
                self._missing.add(config.name)
                self._changed.notify_all()
            return
        self._missing.discard(config.name)
        failed = {number for number, version in known.items() if version.error is not None}
        retried = {n for n in failed & set(on_disk) if self._worth_another_try(known[n])}
        given_up = failed - retried
        wanted = config.wanted(on_disk, given_up)
        for number in wanted:
            version = known.get(number)
            if version is None or number in retried or (version.state is State.END and version.error is None):
                self._begin_loading(config.name, number, on_disk[number])
        ready = [n for n in wanted if known[n].state is State.AVAILABLE]
        if len(ready) == len(wanted):  # only now: something is served at every moment
            for number, version in list(known.items()):
                if number not in wanted and version.state is State.AVAILABLE:
                    self._begin_unloading(config.name, version)
        if all(number in given_up or v.state is State.END and v.error is None for number, v in known.items()):
            with self._changed:
                self._given_up.add(config.name)
                self._changed.notify_all()

    def _worth_another_try(self, version: Version) -> bool:
        if version.attempts <= self._retries and time.monotonic() >= version.retry_at:
            return True
        return files_of(version.folder) != version.files

    def _begin_loading(self, name: str, number: int, folder: Path) -> None:
        with self._changed:
            version = self._models[name].setdefault(number, Version(number, folder))
            version.folder, version.state, version.error = folder, State.LOADING, None
            version.attempts += 1
        self._pool.submit(self._finish_loading, name, version)

    def _finish_loading(self, name: str, version: Version) -> None:
        servable, error = None, None
        files = files_of(version.folder)
        try:
            servable = self._load(name, version.number, version.folder)
        except ServingError as problem:
            error = problem
        except Exception as problem:
            log.exception("%s version %d", name, version.number)
            error = ServingError(f"{type(problem).__name__}: {problem}")
        with self._changed:
            version.servable, version.error, version.files = servable, error, files
            version.state = State.END if error else State.AVAILABLE
            version.retry_at = time.monotonic() + self._retry_seconds
            self._publish(name)
            self._changed.notify_all()
        if error:
            log.error("could not load %s version %d: %s", name, version.number, error)
        self._wake.set()

    def _begin_unloading(self, name: str, version: Version) -> None:
        with self._changed:
            version.state = State.UNLOADING
            self._publish(name)
        self._pool.submit(self._finish_unloading, name, version)

    def _finish_unloading(self, name: str, version: Version) -> None:
        assert version.servable is not None
        version.servable.close()
        with self._changed:
            version.servable, version.state = None, State.END
            self._changed.notify_all()
        log.info("unloaded %s version %d", name, version.number)

    def _publish(self, name: str) -> None:
        """Shows requests what is available; called with the lock held."""
        versions = {
            version.number: version.servable
            for version in self._models[name].values()
            if version.servable is not None and version.state is State.AVAILABLE
        }
        highest_first = {number: versions[number] for number in sorted(versions, reverse=True)}
        self._available = {**self._available, name: highest_first}
