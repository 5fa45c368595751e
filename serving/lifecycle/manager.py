"""The manager decides which versions of the models are loaded, from the models' folders and version policies.

A thread polls the folders. A new version is loaded while the old version still answers requests. As soon as the new
version is ready, the new version answers requests. The old version is then unloaded after its last request. If a
version can't be loaded, the old version stays available. The status of the new version shows the error, and the manager
tries to load the new version again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..config.model_config import ModelConfig, check_change
from ..errors import FailedPrecondition, NotFound, ServingError
from .host import Host
from .model_versions import ModelVersions, Resources
from .versions import ModelStatus, VersionStatus

log = logging.getLogger(__name__)


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
        self._reloading = threading.Lock()
        self._stopping = False
        self._resources = Resources(
            host,
            self._changed,
            self._publish,
            self._wake.set,
            ThreadPoolExecutor(load_threads, thread_name_prefix="load"),
            ThreadPoolExecutor(unload_threads, thread_name_prefix="unload"),
            retries,
            retry_seconds,
            improve,
            ThreadPoolExecutor(1, thread_name_prefix="improve"),
        )
        # Includes models that are no longer served: requests can still read the status of these models.
        self._models = {config.name: ModelVersions(config, self._resources) for config in configs}
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
            return self._changed.wait_for(lambda: self._is_settled(self._models), timeout)

    def reload(self, configs: Sequence[ModelConfig]) -> None:
        """Serves exactly these models. Returns when each new model has an available version or has failed.

        Raises:
            InvalidArgument: a model's platform changes or is not supported. The served models do not change.
            ServingError: a new model has no version that can be loaded. The other models are served.
            FailedPrecondition: a label names a version that is not available. The label keeps the old version.
        """
        with self._reloading, self._changed:
            check_change({n: model.config for n, model in self._models.items() if model.config}, configs)
            wanted = {config.name: config for config in configs}
            new = [name for name in wanted if name not in self._models or not self._models[name].config]
            for config in configs:
                model = self._models.setdefault(config.name, ModelVersions(config, self._resources))
                model.config = config
            for name, model in self._models.items():
                if name not in wanted:
                    model.config = None
            for name in new:
                self._models[name].failed = False
            self._wake.set()
            self._changed.wait_for(lambda: self._is_settled(new))
            self._publish()
            self._check_reload(configs, new)

    def _check_reload(self, configs: Sequence[ModelConfig], new: Sequence[str]) -> None:
        reasons = []
        for name in new:
            if not self._models[name].is_usable():
                failures = [f"{{name: {name} version: {s.number}}} due to error: {s.error_code}: {s.error_message}"
                            for s in self._models[name].statuses()]  # fmt: skip
                reasons += failures or [f"{{name: {name}}} due to error: no versions found under base path"]
        if reasons:
            raise ServingError(f"{len(reasons)} servable(s) did not become available: {{{', '.join(reasons)}}}")
        for config in configs:
            for label, version in config.labels.items():
                if self._models[config.name].labels.get(label) != version:
                    raise FailedPrecondition(
                        f"Request to assign label to version {version} of model {config.name}, "
                        "which is not currently available for inference"
                    )

    def stop(self) -> None:
        """Stops polling, and unloads each version after the version's requests in progress."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._resources.improvements.shutdown(cancel_futures=True)
        self._resources.loads.shutdown(cancel_futures=True)
        self._host.publish({})
        with self._changed:
            for model in self._models.values():
                model.close()
        self._resources.unloads.shutdown()

    def _is_settled(self, names: Iterable[str]) -> bool:
        models = [self._models[name] for name in names]
        return self._stopping or all(m.is_usable() or m.failed or not m.config for m in models)

    def _publish(self) -> None:
        """Makes the available versions visible to requests. Call it with the lock held."""
        for model in self._models.values():
            model.assign_labels(early=self._early_labels)
        self._host.publish({name: model.published() for name, model in self._models.items() if model.config})

    def _watch(self) -> None:
        while not self._stopping:
            with self._changed:
                models = list(self._models.values())
            for model in models:
                try:
                    model.poll()
                except Exception:  # an error in one model must not stop the other models
                    log.exception("model %s: checking its versions failed", model.name)
            self._wake.wait(self._poll_seconds or None)
            self._wake.clear()
