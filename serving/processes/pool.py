"""A host that loads each version into every worker process. The workers answer requests on the shared ports."""

from __future__ import annotations

import concurrent.futures
import logging
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ..errors import DeadlineExceeded, Internal, ServingError
from ..lifecycle.host import Changes, Published, Reports
from ..lifecycle.versions import Quarantined
from ..observe.prometheus import Snapshot, add_ended
from ..version_files import Files, FilesChanged
from .channel import ChannelClosed, Methods
from .crashes import Crashes, is_crash
from .crew import Crew
from .worker_process import Load, Worker

log = logging.getLogger(__name__)
# Time limits in seconds for calls. A worker that hangs is killed sooner (see `crew.py`).
OPEN_SECONDS = 60.0  # to open the ports
LOAD_SECONDS = 1800.0  # to load a version; then the load has failed
# To load a version again into a new worker: at least this time, and this many times the duration of the first load.
LOAD_AGAIN_SECONDS, LOAD_AGAIN_RATIO = 120.0, 10
MAX_ENDED = 2  # workers that end while they load a version; then the load has failed
UNLOAD_SECONDS = 1800.0  # to answer the requests that use a version
PUBLISH_SECONDS = 1.0
METRICS_SECONDS = 0.5
RELOAD_PAUSE, MAX_RELOAD_PAUSE = 0.5, 10.0  # before a new worker loads a version again that it could not load


class WorkerPool:
    """A host (see `lifecycle/host.py`) that loads each version into every worker process.

    Args:
        arguments: the flags for the workers.
        settings: the settings from the files that the flags name (`server/settings.py`).
        count: the number of workers.
        methods: the methods that workers may call, by name.
        unix: the listening Unix socket, which all workers share; None if there is none.
        grace_seconds: time limit in seconds for the requests in progress when the server stops.
        reports: returns the object that gets the reports about versions.
        is_dead: called if there has been no worker to serve for some minutes.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        settings: object,
        count: int,
        methods: Methods,
        unix: socket.socket | None,
        *,
        grace_seconds: float,
        reports: Callable[[], Reports],
        is_dead: Callable[[], None],
    ) -> None:
        self._crew = Crew(
            lambda: Worker(arguments, settings, methods, unix), count, self._prepare, self._ended, is_dead
        )
        self._changed = self._crew.changed
        self._reports = reports
        self._grace_seconds = grace_seconds
        self._loads: dict[int, Load] = {}  # the versions that each worker in `_crew.serving` has loaded
        self._table: dict[str, Published] = {}  # what requests may use
        self._is_open = False
        self._past: Snapshot = {}
        self._crashes = Crashes()

    @property
    def restarts(self) -> int:
        """The number of workers that were started as a replacement."""
        return self._crew.restarts

    def start(self) -> None:
        """Starts the processes in the background."""
        self._crew.start()

    # === The methods of a host ===

    def load(self, id: int, name: str, version: int, folder: Path, files: Files) -> None:
        """Loads a version into one worker first, then into all other workers.

        A load that takes too long fails, and its worker continues to serve the other versions. A model that crashes
        the process ends two workers at most, and the second only after the first is replaced.
        """
        load = Load(name, version, folder, files)
        begun = time.monotonic()
        self._load_into_one(id, load)
        load = load._replace(seconds=time.monotonic() - begun)
        ended = 0
        while True:
            with self._changed:
                missing = [worker for worker in self._crew.serving if id not in worker.ids]
                if not missing:
                    self._loads[id] = load
                    break
            answers = [(worker, worker.load(id, load)) for worker in missing]
            end = time.monotonic() + LOAD_SECONDS
            errors = [self._error_of(worker, id, load, answer, end) for worker, answer in answers]
            ended += sum(isinstance(error, ChannelClosed) for error in errors)
            failed = [error for error in errors if error and not isinstance(error, ChannelClosed)]
            if ended >= MAX_ENDED:
                failed.append(_ended_while_loading(load))
            if failed:
                self.unload(id)
                raise failed[0]

    def _load_into_one(self, id: int, load: Load) -> None:
        """Loads a version into one worker. If this worker ends meanwhile, tries another worker.

        The first worker may have ended for another reason. Raises Quarantined if both workers have ended, and Internal
        if the first worker can't be replaced.
        """
        end = time.monotonic() + LOAD_SECONDS
        for count in range(1, MAX_ENDED + 1):
            worker = self._crew.first()
            if worker is None:
                raise Internal("The server is stopping.")
            error = self._error_of(worker, id, load, worker.load(id, load), end)
            if error is None:
                return
            if not isinstance(error, ChannelClosed):
                raise error
            self._crew.remove(worker)
            worker.end()
            if count < MAX_ENDED and not self._crew.wait_until_complete(max(0.0, end - time.monotonic())):
                raise Internal(
                    f"A worker process ended while it loaded {load.name} version {load.version}, and is not replaced."
                )
        raise _ended_while_loading(load)

    def _error_of(self, worker: Worker, id: int, load: Load, answer: Future[Any], end: float) -> BaseException | None:
        """Waits for a load until `end`. Returns the error of the load.

        The error is ChannelClosed if the worker has ended: its replacement loads the version. The error is Quarantined
        if the load has not ended in time: then the worker is replaced as soon as all other workers serve.
        """
        try:
            error = answer.exception(max(0.0, end - time.monotonic()))
        except TimeoutError:
            log.error("worker %d: loading %s version %d takes too long", worker.process.pid, load.name, load.version)
            worker.give_up(id, answer)
            self._crew.replace(worker, answer.done, self._grace_seconds + 5)
            return Quarantined(f"Loading {load.name} version {load.version} takes too long.")
        worker.loaded(id, error)
        return error

    def unload(self, id: int) -> None:
        with self._changed:
            self._loads.pop(id, None)
            self._crashes.forget(id)
            answers = [worker.unload(id) for worker in self._crew.serving if id in worker.ids]
            self._changed.notify_all()
        if concurrent.futures.wait(answers, UNLOAD_SECONDS).not_done:
            raise DeadlineExceeded(f"Requests still use the version after {UNLOAD_SECONDS:g} s.")

    def publish(self, changes: Changes) -> None:
        with self._changed:
            table = {**self._table, **changes}
            self._table = {name: model for name, model in table.items() if model}
            answers = {worker: worker.channel.submit("publish", changes) for worker in self._crew.serving}
        _wait(answers, PUBLISH_SECONDS)

    # === Life cycle ===

    def open(self) -> None:
        """Opens the ports in all workers. Raises the error of a worker that can't open the ports."""
        self._crew.first()
        with self._changed:
            self._is_open = True
            answers = [worker.channel.submit("open") for worker in self._crew.serving]
        for answer in concurrent.futures.wait(answers, OPEN_SECONDS).done:
            error = answer.exception()
            if error and not isinstance(error, ChannelClosed):
                raise error

    def drain(self) -> None:
        """Ends each worker after the worker's requests in progress. Kills workers that exceed the time limit by 5 s."""
        self._crew.drain(self._grace_seconds + 5)

    def metrics(self) -> list[Snapshot]:
        """Returns the metrics of all workers. The first snapshot has the counters of workers that have ended.

        If a worker does not answer at once, its last metrics count.
        """
        with self._changed:
            answers = {worker: worker.channel.submit("metrics") for worker in self._crew.serving}
            past = self._past
        _wait(answers, METRICS_SECONDS)
        for worker, answer in answers.items():
            if answer.done() and not answer.cancelled() and not answer.exception():
                worker.counts = answer.result()
            answer.cancel()
        return [past, *(worker.counts for worker in answers)]

    # === New workers, and workers that have ended ===

    def _prepare(self, worker: Worker) -> None:
        """Loads all versions into a worker, adds it to the pool, and opens its ports.

        A worker that can't load a version does not serve as long as other workers can answer requests for it.
        """
        pause = RELOAD_PAUSE
        while True:
            with self._changed:
                missing = {id: load for id, load in self._loads.items() if id not in worker.ids}
                if not missing:
                    opened = self._let_in(worker)
                    break
            failed = [id for id, load in missing.items() if not self._load_again(worker, id, load)]
            if failed:
                self._wait_until_unloaded(failed, pause)
                pause = min(pause * 2, MAX_RELOAD_PAUSE)
        if opened:
            opened.result(OPEN_SECONDS)

    def _wait_until_unloaded(self, ids: Sequence[int], seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._crew.stopping or self._loads.keys().isdisjoint(ids), seconds)

    def _let_in(self, worker: Worker) -> Future[Any] | None:
        """Adds a worker to the pool. Call it with the lock held."""
        for id in worker.ids - self._loads.keys():
            worker.unload(id)
        worker.channel.submit("publish", self._table)
        self._crew.serving.append(worker)
        self._changed.notify_all()
        return worker.channel.submit("open") if self._is_open else None

    def _load_again(self, worker: Worker, id: int, load: Load) -> bool:
        """Loads a version that other workers have loaded into a new worker. Returns whether this was possible."""
        seconds = max(LOAD_AGAIN_SECONDS, min(LOAD_AGAIN_RATIO * load.seconds, LOAD_SECONDS))
        error = self._error_of(worker, id, load, worker.load(id, load), time.monotonic() + seconds)
        if error is None:
            return True
        with self._changed:
            others = bool(self._crew.serving)
        if isinstance(error, Quarantined) and others:
            worker.process.kill()  # it does not serve yet, and another worker takes its place
            error = ChannelClosed("The load takes too long.")
        if isinstance(error, ChannelClosed):
            raise error
        if isinstance(error, FilesChanged) and others:
            self._reports().changed(id)
        log.error("worker %d: could not load %s version %d: %s", worker.process.pid, load.name, load.version, error)
        if not others:
            self._reports().lost(id, error if isinstance(error, ServingError) else Internal(str(error)))
        return False

    def _ended(self, worker: Worker, status: int) -> None:
        with self._changed:
            self._past = add_ended(self._past, worker.counts)
            loaded = self._loads.keys()
            suspects = worker.loading if is_crash(status) or worker.has_hung else set()
            if is_crash(status):
                suspects = suspects | worker.running.read()
            id = self._crashes.note(suspects & loaded) if suspects else None
        if id is not None:
            self._reports().lost(id, Quarantined("The version has crashed two worker processes."))


def _ended_while_loading(load: Load) -> Quarantined:
    return Quarantined(f"Two worker processes ended while they loaded {load.name} version {load.version}.")


def _wait(answers: dict[Worker, Future[Any]], seconds: float) -> None:
    """Waits for the answers of the workers that do not hang. Logs errors."""
    done = concurrent.futures.wait([each for worker, each in answers.items() if not worker.is_late], seconds).done
    for answer in done:
        error = answer.exception()
        if error and not isinstance(error, ServingError):
            log.error("a worker raised an error: %r", error)
