"""Keeps the versions of all models as their folders and policies want them: load, swap, unload, report.

A thread looks at the folders. A version is loaded beside the one in use and takes over once it is ready; only then
is the old one unloaded, after its last request. A version that can't be loaded is reported and tried again, and
what is served goes on being served.
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
    """All models and their versions.

    Args:
        configs: the models to serve.
        host: loads the versions and shows them to requests.
        poll_seconds: how often to look at the folders; 0: only at the start and after a change.
        retries: how often to try again a version that could not be loaded.
        retry_seconds: how long to wait before that.
        load_threads: how many versions are loaded at once.
        unload_threads: how many versions wait for their last request at once.
        early_labels: whether a label that is not in use may be given to a version that is not available.
        improve: called with the folder of each version that was loaded, one at a time, in the background; where it
            returns True the version is loaded again and takes its own place.
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
        # Also those that are served no more: their status can still be asked for.
        self._models = {config.name: ModelVersions(config, self._resources) for config in configs}
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    # === What is asked ===

    def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """What is known of a model's versions, or of one, highest first. Raises NotFound where there are none."""
        with self._changed:
            model = self._models.get(name)
            found = [each for each in model.statuses() if version in (None, each.number)] if model else []
        if found:
            return found
        if version is not None:
            raise NotFound(f"Could not find version {version} of model {name}")
        raise NotFound(f"Could not find any versions of model {name}")

    def models(self) -> list[ModelStatus]:
        """All configured models, by name; one that has no versions is among them."""
        with self._changed:
            return [ModelStatus(name, model.statuses()) for name, model in sorted(self._models.items()) if model.config]

    # === Life cycle ===

    def start(self) -> None:
        """Begins to load and to watch, in the background."""
        self._thread.start()

    def wait_until_settled(self, timeout: float | None = None) -> bool:
        """Waits until every model has a version available or has failed; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_settled(self._models), timeout)

    def reload(self, configs: Sequence[ModelConfig]) -> None:
        """Serves these models and no others; returns once those that are new have a version available.

        Raises:
            InvalidArgument: a model's platform changes. Nothing is changed.
            ServingError: a new model has no version that can be loaded. The others are served.
            FailedPrecondition: a label for a version that is not available. It stays where it was.
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
        """Ends watching and unloads all that is loaded, after the requests in flight."""
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
        """Shows requests what is available; called with the lock held."""
        for model in self._models.values():
            model.assign_labels(early=self._early_labels)
        self._host.publish({name: model.published() for name, model in self._models.items() if model.config})

    def _watch(self) -> None:
        while not self._stopping:
            with self._changed:
                models = list(self._models.values())
            for model in models:
                try:
                    model.look()
                except Exception:  # one model's trouble must not stop the others
                    log.exception("model %s: could not be looked after", model.name)
            self._wake.wait(self._poll_seconds or None)
            self._wake.clear()
