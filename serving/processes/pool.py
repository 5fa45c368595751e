"""Starts the worker processes, and replaces a worker that ends.

Each worker loads all models and answers requests on the shared ports.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ..errors import Internal, ServingError
from ..lifecycle.host import Table
from ..observe.prometheus import Snapshot, merge, totals
from .channel import ChannelClosed
from .worker_process import Load, Worker

log = logging.getLogger(__name__)
START_SECONDS = 60.0  # time limit in seconds for a worker to open the ports
RETRY_SECONDS = 0.2  # pause in seconds before a worker is replaced; doubled if another worker ended shortly before
MAX_RETRY_SECONDS = 30.0


class WorkerPool:
    """A host (see `lifecycle/host.py`) that loads each version into every worker process.

    Args:
        arguments: the flags for the workers.
        count: the number of workers.
        methods: the methods that workers may call, by name.
        unix: the listening Unix socket, which all workers share; None if there is none.
        grace_seconds: time limit in seconds for the requests in progress when the server stops.

    Attributes:
        restarts: the number of workers that were started as a replacement.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        count: int,
        methods: Mapping[str, Callable[..., Any]],
        unix: socket.socket | None,
        *,
        grace_seconds: float,
    ) -> None:
        self._arguments, self._methods = arguments, methods
        self._count = count
        self._unix = unix
        self._grace_seconds = grace_seconds
        self._changed = threading.Condition()
        self._workers: list[Worker] = []  # the workers that have loaded the versions in `_loads`
        self._loads: dict[int, Load] = {}
        self._table: Table = {}
        self._is_open = False
        self._stopping = False
        self._past: Snapshot = {}
        self._ended_at = 0.0
        self._retry_seconds = RETRY_SECONDS
        self.restarts = 0

    def start(self) -> None:
        """Starts the processes in the background."""
        for _ in range(self._count):
            threading.Thread(target=self._add, name="worker", daemon=True).start()

    # === The methods of a host ===

    def load(self, id: int, name: str, version: int, folder: Path) -> None:
        """Loads a version into one worker first, then into all other workers.

        A model that crashes the process therefore ends two workers at most.
        """
        load = (name, version, folder)
        self._load_into_one(id, load)
        while True:
            with self._changed:
                missing = [worker for worker in self._workers if id not in worker.ids]
                if not missing:
                    self._loads[id] = load
                    return
            threads = [_LoadThread(worker, id, load) for worker in missing]
            errors = [error for thread in threads if (error := thread.error())]
            if errors:
                self.unload(id)
                raise errors[0]

    def _load_into_one(self, id: int, load: Load) -> None:
        """Loads a version into one worker. If this worker ends meanwhile, tries one other worker.

        The first worker may have ended for another reason. Raises Internal if the second worker also ends.
        """
        for _ in range(2):
            worker = self._first_worker()
            try:
                worker.load(id, load)
                return
            except ChannelClosed:
                with self._changed:
                    if worker in self._workers:
                        self._workers.remove(worker)
        raise Internal(f"Two worker processes ended while they loaded {load[0]} version {load[1]}.")

    def unload(self, id: int) -> None:
        with self._changed:
            self._loads.pop(id, None)
            ended = [worker.unload(id) for worker in self._workers if id in worker.ids]
        _wait(ended)

    def publish(self, table: Table) -> None:
        with self._changed:
            self._table = table
            _wait([worker.channel.submit("publish", table) for worker in self._workers])

    # === Life cycle ===

    def open(self) -> None:
        """Opens the ports in all workers. Raises the error of a worker that can't open the ports."""
        self._first_worker()
        with self._changed:
            self._is_open = True
            opened = [worker.channel.submit("open") for worker in self._workers]
        for each in opened:
            each.result(START_SECONDS)

    def drain(self) -> None:
        """Ends each worker after the worker's requests in progress. Kills workers that exceed the time limit by 5 s."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            workers = list(self._workers)
        for worker in workers:
            worker.channel.submit("drain")
        deadline = time.monotonic() + self._grace_seconds + 5
        for worker in workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("worker %d did not stop in time: killing it", worker.process.pid)
                worker.process.kill()
                worker.process.wait()

    def metrics(self) -> list[Snapshot]:
        """Returns the metrics of all workers. The first snapshot has the counters of workers that have ended."""
        with self._changed:
            answers = {worker: worker.channel.submit("metrics") for worker in self._workers}
            snapshots = [self._past]
        for worker, answer in answers.items():
            if not answer.exception():
                worker.counts = answer.result()
                snapshots.append(worker.counts)
        return snapshots

    # === Starting and replacing workers ===

    def _first_worker(self) -> Worker:
        with self._changed:
            self._changed.wait_for(lambda: self._workers or self._stopping)
            if not self._workers:
                raise Internal("The server is stopping.")
            return self._workers[0]

    def _add(self) -> None:
        """Starts a worker, loads all versions into it, and adds it to the pool."""
        worker = Worker(self._arguments, self._methods, self._closed, self._unix)
        failed: set[int] = set()
        while True:
            with self._changed:
                missing = {id: load for id, load in self._loads.items() if id not in worker.ids | failed}
                if not missing:
                    for id in worker.ids - self._loads.keys():
                        worker.unload(id)
                    _wait([worker.channel.submit("publish", self._table)])
                    if self._is_open:
                        worker.channel.submit("open")
                    self._workers.append(worker)
                    self._changed.notify_all()
                    return
            for id, load in missing.items():
                try:
                    worker.load(id, load)
                except ChannelClosed:
                    return  # `_closed` starts another worker
                except Exception as error:
                    log.error("worker %d: could not load %s version %d: %s", worker.process.pid, *load[:2], error)
                    failed.add(id)

    def _closed(self, worker: Worker) -> None:
        status = worker.process.wait()
        with self._changed:
            if worker in self._workers:
                self._workers.remove(worker)
            self._past = merge([self._past, totals(worker.counts)])
            if self._stopping:
                return
            log.error("worker %d ended with status %d: starting another worker", worker.process.pid, status)
            recently = time.monotonic() - self._ended_at < MAX_RETRY_SECONDS
            self._retry_seconds = min(self._retry_seconds * 2, MAX_RETRY_SECONDS) if recently else RETRY_SECONDS
            self._ended_at = time.monotonic()
            if self._changed.wait_for(lambda: self._stopping, self._retry_seconds):
                return
            self.restarts += 1
        self._add()


class _LoadThread:
    """Loads a version into one worker, in a thread."""

    def __init__(self, worker: Worker, id: int, load: Load) -> None:
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(worker, id, load), daemon=True)
        self._thread.start()

    def _run(self, worker: Worker, id: int, load: Load) -> None:
        try:
            worker.load(id, load)
        except ChannelClosed:
            worker.ids.add(id)  # the worker has ended; its replacement loads the version
        except Exception as error:
            self._error = error

    def error(self) -> Exception | None:
        """Waits for the thread and returns its error."""
        self._thread.join()
        return self._error


def _wait(futures: Sequence[Future[Any]]) -> None:
    """Waits for all futures. Raises the first error that is neither ChannelClosed nor another ServingError."""
    for each in futures:
        error = each.exception()
        if error and not isinstance(error, ChannelClosed | ServingError):
            raise error
