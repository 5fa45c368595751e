"""Keeps a number of worker processes running: starts them, kills those that hang, and replaces those that end."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable

from .channel import ChannelClosed
from .worker_process import BEAT_SECONDS, Worker

log = logging.getLogger(__name__)
RETRY_SECONDS = 0.2  # pause in seconds before a worker is replaced; doubled if another worker ended shortly before
MAX_RETRY_SECONDS = 10.0
RECENT_SECONDS = 60.0  # the meaning of "shortly before"
IDLE_SECONDS = 180.0  # if no worker serves, and none is loading, for this time, there is nobody left to serve


class Crew:
    """The worker processes of a server.

    Args:
        start: starts a worker process. Raises OSError or RuntimeError if the system has no resources left.
        count: the number of workers.
        prepare: loads the models into a new worker, and adds the worker to `serving`. Raises ChannelClosed if the
            worker ends meanwhile.
        ended: called with each worker that has ended, and its exit status.
        is_dead: called if there has been nobody to serve for `IDLE_SECONDS`.

    Attributes:
        changed: the lock for the state of the pool; a condition that is notified of every change.
        serving: the workers that answer requests.
        stopping: whether `drain` was called.
        restarts: the number of workers that were started as a replacement.
    """

    def __init__(
        self,
        start: Callable[[], Worker],
        count: int,
        prepare: Callable[[Worker], None],
        ended: Callable[[Worker, int], None],
        is_dead: Callable[[], None],
    ) -> None:
        self._start, self._count, self._prepare, self._ended, self._is_dead = start, count, prepare, ended, is_dead
        self.changed = threading.Condition()
        self.serving: list[Worker] = []
        self.stopping = False
        self.restarts = 0
        self._running: list[Worker] = []  # also the workers that are loading
        self._failed_at = 0.0
        self._retry_seconds = RETRY_SECONDS

    def start(self) -> None:
        """Starts the processes in the background."""
        for _ in range(self._count):
            threading.Thread(target=self._keep, name="worker", daemon=True).start()
        threading.Thread(target=self._watch, name="heartbeat", daemon=True).start()

    def first(self) -> Worker | None:
        """Waits for a worker that serves, and returns it. Prefers one that does not hang. None if the crew stops."""
        with self.changed:
            self.changed.wait_for(lambda: self.serving or self.stopping)
            return min(self.serving, key=lambda worker: worker.is_late, default=None)

    def wait_until_complete(self, seconds: float) -> bool:
        """Waits until all workers serve, or until the crew stops. Returns False after `seconds`."""
        with self.changed:
            return self.changed.wait_for(lambda: self.stopping or len(self.serving) == self._count, seconds)

    def replace(self, worker: Worker, is_well: Callable[[], bool], seconds: float) -> None:
        """Replaces a worker in the background, after the worker's requests in progress.

        Waits until all workers serve, so that one worker at a time is replaced.

        Args:
            worker: the worker to replace.
            is_well: returns whether the worker need not be replaced any more.
            seconds: the worker is killed if it has not ended after this time.
        """
        threading.Thread(
            target=self._replace, args=(worker, is_well, seconds), name="replace a worker", daemon=True
        ).start()

    def _replace(self, worker: Worker, is_well: Callable[[], bool], seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(
                lambda: self.stopping or worker not in self._running or len(self.serving) == self._count
            )
            if self.stopping or worker not in self.serving or is_well():
                return
            self.remove(worker)
        log.warning("worker %d: replacing it, because a load in it does not end", worker.process.pid)
        worker.channel.submit("drain")
        self._wait_for_end(worker, seconds)

    def drain(self, seconds: float) -> None:
        """Ends each worker after the worker's requests in progress. Kills the workers that run after `seconds`."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
            workers = list(self._running)
        for worker in workers:
            worker.channel.submit("drain")
        end = time.monotonic() + seconds
        for worker in workers:
            self._wait_for_end(worker, max(0.0, end - time.monotonic()))

    def _wait_for_end(self, worker: Worker, seconds: float) -> None:
        try:
            worker.process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.warning("worker %d did not stop in time: killing it", worker.process.pid)
            worker.process.kill()
            worker.process.wait()

    # === Threads ===

    def _keep(self) -> None:
        """Keeps one worker running."""
        while not self.stopping:
            try:
                worker = self._start()
            except Exception as error:
                log.error("cannot start a worker, trying again: %s", error)
                self._pause()
                continue
            with self.changed:
                self._running.append(worker)
                if self.stopping:
                    worker.process.kill()
            try:
                self._prepare(worker)
            except ChannelClosed:
                pass  # the worker has ended
            except Exception:
                if not self.stopping:
                    log.exception("worker %d failed: killing it", worker.process.pid)
                worker.process.kill()
            status = worker.end()
            with self.changed:
                self._running.remove(worker)
                self.remove(worker)
            if not self.stopping:
                log.error("worker %d ended with status %d: starting another worker", worker.process.pid, status)
            try:
                self._ended(worker, status)
            except Exception:
                log.exception("cannot note the end of worker %d", worker.process.pid)
            worker.close()
            self._pause()
            self.restarts += not self.stopping

    def remove(self, worker: Worker) -> None:
        """Removes a worker from the workers that serve."""
        with self.changed:
            if worker in self.serving:
                self.serving.remove(worker)
            self.changed.notify_all()

    def _pause(self) -> None:
        """Waits before a worker is started: longer if another worker has ended or failed to start shortly before."""
        with self.changed:
            recently = time.monotonic() - self._failed_at < RECENT_SECONDS
            self._retry_seconds = min(self._retry_seconds * 2, MAX_RETRY_SECONDS) if recently else RETRY_SECONDS
            self._failed_at = time.monotonic()
            self.changed.wait_for(lambda: self.stopping, self._retry_seconds)

    def _watch(self) -> None:
        """Kills workers that hang. Notices if there is nobody left to serve."""
        idle = 0.0
        while not self.stopping and idle < IDLE_SECONDS:
            time.sleep(BEAT_SECONDS)
            try:
                idle = 0.0 if self._beat() else idle + BEAT_SECONDS
            except Exception:  # such as MemoryError: the next beat may succeed
                log.exception("cannot check the workers")
        if not self.stopping:
            log.critical("no worker could be started for %g s", IDLE_SECONDS)
            self._is_dead()

    def _beat(self) -> bool:
        """Asks all workers for a sign of life. Returns whether a worker serves or is loading."""
        with self.changed:
            workers, is_serving = list(self._running), bool(self.serving)
        for worker in workers:
            if not worker.beat():
                log.error("worker %d does not answer: killing it", worker.process.pid)
                worker.process.kill()
        return is_serving or any(worker.is_alive for worker in workers)
