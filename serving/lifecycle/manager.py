"""The manager decides which versions of the models are loaded, from the models' folders and version policies.

A thread polls the folders. A new version is loaded while the old version still answers requests. As soon as the new
version is ready, the new version answers requests. The old version is then unloaded after its last request. If a
version can't be loaded, the old version stays available. The status of the new version shows the error, and the manager
tries to load the new version again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..config.model_config import ModelConfig, check_change
from ..errors import Aborted, Cancelled, DeadlineExceeded, NotFound, ServingError
from .host import Host, Published
from .model_versions import ModelVersions
from .reloading import all_of, check_reload
from .resources import Resources
from .threads import Threads
from .versions import ModelStatus, Version, VersionStatus

log = logging.getLogger(__name__)
# A poll or a load that takes longer than this does not delay the polls or loads of other versions any more.
POLL_SECONDS, LOAD_SECONDS, UNLOAD_SECONDS = 0.5, 10.0, 60.0
RELOAD_SECONDS = 600.0  # time limit for the versions of a reload to become available
CANCEL_SECONDS = 0.2  # a reload whose caller has given up waiting ends after this time
STOP_SECONDS = 60.0  # time limit for `stop`
MAX_PAST = 1000  # models that are no longer served or loaded, and whose status requests can still read


class Manager:
    """Manages the versions of all models.

    Args:
        configs: the models to serve.
        host: loads the versions and makes them available to requests.
        poll_seconds: seconds between two polls of the folders; 0: poll only at the start, after each load, and after
            `reload`.
        retries: how many times to retry a version that could not be loaded.
        retry_seconds: seconds between a failed load and the next try.
        load_threads: the maximum number of versions that are loaded in parallel.
        unload_threads: the maximum number of versions that are unloaded in parallel.
        early_labels: whether a new label may name a version that is not available yet.
        improve: called in the background with the folder of each loaded version, for one version at a time. The
            function may convert the model to a faster file format. If the function returns True, the version is loaded
            again.
    """

    def __init__(
        self,
        configs: Sequence[ModelConfig],
        host: Host,
        *,
        poll_seconds: float = 1.0,
        retries: int = 5,
        retry_seconds: float = 60.0,
        load_threads: int = 2,
        unload_threads: int = 32,
        early_labels: bool = False,
        improve: Callable[[Path], bool] = lambda folder: False,
    ) -> None:
        self._host = host
        self._poll_seconds = poll_seconds
        self._early_labels = early_labels
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._stopping = False
        self._resources = Resources(
            host,
            self._changed,
            lambda model: self._publish([model]),
            Threads("poll", 1, POLL_SECONDS),
            Threads("load", load_threads, LOAD_SECONDS),
            Threads("unload", unload_threads, UNLOAD_SECONDS),
            retries,
            retry_seconds,
            improve,
            Threads("improve", 1),
        )
        # Includes models that are no longer served, oldest first: requests can still read their status.
        self._models = {config.name: ModelVersions(config, self._resources) for config in configs}
        self._published: dict[str, Published] = {}  # what the host has made available
        self._applied = 0  # number of calls of `apply`
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    # === Queries ===

    def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """Returns the status of all versions of a model, highest first; with `version`, of this version only.

        Raises NotFound if the model is unknown or has no versions, or if the version is unknown.
        """
        with self._changed:
            model = self._models.get(name)
            statuses = [each for each in model.statuses() if version in (None, each.number)] if model else []
        if statuses:
            return statuses
        if version is not None:
            raise NotFound(f"Could not find version {version} of model {name}")
        raise NotFound(f"Could not find any versions of model {name}")

    def models(self) -> list[ModelStatus]:
        """Returns all configured models by name, including models without versions."""
        with self._changed:
            return [ModelStatus(name, model.statuses()) for name, model in sorted(self._models.items()) if model.config]

    # === Life cycle ===

    def start(self) -> None:
        """Starts loading and polling, in the background."""
        self._thread.start()

    def wait_until_settled(self, timeout: float | None = None) -> bool:
        """Waits until every model has an available version or has failed. Returns False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(self._settling(self._models), timeout)

    def apply(self, configs: Sequence[ModelConfig]) -> list[str]:
        """Begins to serve exactly these models, and returns the names of the new models.

        Does not wait. Raises InvalidArgument if a model's platform changes or is not supported; then nothing changes.
        """
        with self._changed:
            check_change({n: model.config for n, model in self._models.items() if model.config}, configs)
            wanted = {config.name: config for config in configs}
            new = [name for name in wanted if name not in self._models or not self._models[name].config]
            for config in configs:
                model = self._models.setdefault(config.name, ModelVersions(config, self._resources))
                model.config = config
            for name in [name for name, model in self._models.items() if model.config and name not in wanted]:
                model = self._models.pop(name)
                model.config = None
                self._models[name] = model  # last, so that older ones are forgotten first
            for name in new:
                self._models[name].forget_failures()
            self._publish(self._models.values())
            self._forget_past()
            self._applied += 1
            self._changed.notify_all()
        self._wake.set()
        return new

    def reload(
        self,
        configs: Sequence[ModelConfig],
        is_cancelled: Callable[[], bool] = lambda: False,
        seconds: float | None = None,
    ) -> None:
        """Serves exactly these models. Returns when each new model has an available version or has failed.

        Another reload does not wait for this reload.

        Args:
            configs: the models to serve.
            is_cancelled: returns whether the caller has given up waiting.
            seconds: time limit in seconds; None: `RELOAD_SECONDS`.

        Raises:
            InvalidArgument: a model's platform changes or is not supported. The served models do not change.
            ServingError: a new model has no version that can be loaded. The other models are served.
            FailedPrecondition: a label names a version that is not available. The label keeps the old version.
            Aborted: another reload has replaced a new model meanwhile.
            DeadlineExceeded: a new model is still loading after `seconds`. The server continues to load it.
        """
        with self._changed:
            new = self.apply(configs)
            wanted = {config.name: config for config in configs}
            seconds = RELOAD_SECONDS if seconds is None else seconds
            end = time.monotonic() + seconds
            is_settled, applied = self._settling(new), self._applied
            while not is_settled():
                if is_cancelled():
                    raise Cancelled("The client has cancelled the reload. The server continues to load the models.")
                if self._applied != applied and any(self._config(name) != wanted[name] for name in new):
                    break
                applied = self._applied
                if time.monotonic() >= end:
                    names = ", ".join(name for name in new if not self._is_settled(name))
                    raise DeadlineExceeded(
                        f"The reload was not complete within {seconds:g} s. The server continues to load {names}."
                    )
                self._changed.wait(min(CANCEL_SECONDS, max(0.0, end - time.monotonic())))
            replaced = [config.name for config in configs if self._config(config.name) != config]
            if replaced:
                raise Aborted(f"Another reload has replaced the configuration of {', '.join(replaced)}.")
            self._publish(self._models[config.name] for config in configs)
            check_reload(self._models, configs, new)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stops polling, and unloads each version after the version's requests in progress, for up to `seconds`."""
        end = time.monotonic() + seconds
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        for threads in (self._resources.polls, self._resources.improvements, self._resources.loads):
            threads.close(max(0.0, (end - time.monotonic()) / 2), drop=True)  # leaves time to unload
        with self._changed:
            self._host.publish(dict.fromkeys(self._published))
            self._published.clear()
            for model in self._models.values():
                model.close()
        self._resources.unloads.close(max(0.0, end - time.monotonic()))

    # === Reports of the host (see `host.py`) ===

    def lost(self, id: int, error: ServingError) -> None:
        with self._changed:
            for model, load in self._find(id):
                model.lose(load, error)
                self._publish([model])
                self._changed.notify_all()
                model.start_poll()

    def changed(self, id: int) -> None:
        with self._changed:
            for model, load in self._find(id):
                model.renew(load)

    def files_changed(self, folder: Path) -> None:
        with self._changed:
            for model in self._models.values():
                model.renew_all_in(folder)

    def _find(self, id: int) -> list[tuple[ModelVersions, Version]]:
        return [(model, load) for model in self._models.values() if (load := model.find(id))]

    def _config(self, name: str) -> ModelConfig | None:
        """Returns the configuration of a model; None if the model is not served."""
        model = self._models.get(name)
        return model.config if model else None

    def _forget_past(self) -> None:
        """Removes the models that are no longer served or loaded, except the last ones. Call it with the lock held."""
        past = [name for name, model in self._models.items() if model.is_past()]
        for name in past[:-MAX_PAST]:
            del self._models[name]

    def _is_settled(self, name: str) -> bool:
        model = self._models.get(name)
        return model is None or model.is_usable() or model.failed or not model.config

    def _settling(self, names: Iterable[str]) -> Callable[[], bool]:
        """Returns a function that returns whether all these models are settled, or the manager stops."""
        all_settled = all_of(names, self._is_settled)
        return lambda: self._stopping or all_settled()

    def _publish(self, models: Iterable[ModelVersions]) -> None:
        """Makes the available versions of these models visible to requests. Call it with the lock held."""
        changes: dict[str, Published | None] = {}
        for model in models:
            model.assign_labels(early=self._early_labels)
            published = model.published() if model.config else None
            if published != self._published.get(model.name):
                changes[model.name] = published
        if changes:
            self._published |= {name: each for name, each in changes.items() if each}
            for name in [name for name, each in changes.items() if each is None]:
                del self._published[name]
            self._host.publish(changes)

    def _watch(self) -> None:
        while not self._stopping:
            with self._changed:
                self._forget_past()
                models = [model for model in self._models.values() if not model.is_past()]
            for model in models:
                model.start_poll()
            self._wake.wait(self._poll_seconds or None)
            self._wake.clear()
