"""Tests of the pool with fake workers: workers that hang, crash, can't be started or can't load a version."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import Internal, NotFound, ServingError
from keras_gallery.serving.lifecycle.host import Published
from keras_gallery.serving.lifecycle.versions import Quarantined
from keras_gallery.serving.processes import crew, pool, worker_process
from keras_gallery.serving.processes.pool import WorkerPool
from keras_gallery.serving.version_files import files_of

from ...waiting import until
from .fake_workers import FakeWorker

SECONDS = 10


class Reports:
    """Keeps the reports. As the manager does, unloads a version that is lost."""

    def __init__(self) -> None:
        self.is_lost: dict[int, ServingError] = {}
        self.has_changed: set[int] = set()
        self.pool: WorkerPool

    def lost(self, id: int, error: ServingError) -> None:
        self.is_lost[id] = error
        self.pool.unload(id)

    def changed(self, id: int) -> None:
        self.has_changed.add(id)


class Started:
    """The workers that were started. `errors` has the errors of the next starts."""

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []
        self.errors: list[Exception] = []

    def __call__(self, *_: Any) -> FakeWorker:
        if self.errors:
            raise self.errors.pop()
        self.workers.append(FakeWorker())
        return self.workers[-1]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Makes pools start fake workers, and beat quickly."""
    made = Started()
    monkeypatch.setattr(pool, "Worker", made)
    monkeypatch.setattr(pool, "RELOAD_PAUSE", 0.01)
    monkeypatch.setattr(crew, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(crew, "MAX_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(crew, "BEAT_SECONDS", 0.02)
    return made


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def dead() -> threading.Event:
    return threading.Event()


@pytest.fixture
def workers(started: Started, reports: Reports, dead: threading.Event) -> Iterator[WorkerPool]:
    """Returns a pool of two workers that serve."""
    made = WorkerPool([], None, 2, {}, None, grace_seconds=0, reports=lambda: reports, is_dead=dead.set)
    reports.pool = made
    made.start()
    until(lambda: len(made._crew.serving) == 2)
    yield made
    for worker in started.workers:
        worker.continues.set()
    made.drain()


def add(folder: Path, *files: str) -> Path:
    folder.mkdir()
    for name in ("saved_model.pb", *files):
        (folder / name).write_text(name)
    return folder


def load(workers: WorkerPool, id: int, name: str, folder: Path) -> None:
    workers.load(id, name, 1, folder, files_of(folder))


def serving(workers: WorkerPool) -> list[Any]:
    return list(workers._crew.serving)


TABLE = {"m": Published({1: 7}, {})}


# === Workers that hang ===


def test_a_worker_that_hangs_is_replaced(workers: WorkerPool, started: Started) -> None:
    workers.open()
    started.workers[0].hang.set()
    until(lambda: len(started.workers) == 3)
    until(lambda: len(serving(workers)) == 2)
    assert started.workers[0].process.returncode == -9
    until(lambda: started.workers[2].is_open)
    assert workers.restarts == 1


def test_a_worker_that_hangs_does_not_stop_the_others(
    workers: WorkerPool, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publishing, metrics and stopping do not wait for it. They only have a short time limit."""
    hanging, other = started.workers
    monkeypatch.setattr(worker_process, "MAX_MISSED", 10_000)
    until(lambda: hanging._allowed == 10_000)
    hanging.hang.set()
    begun = time.monotonic()
    workers.publish(TABLE)
    until(lambda: hanging.is_late)
    workers.publish(dict.fromkeys(TABLE))
    assert other.table == {}
    workers.publish(TABLE)
    assert other.table == TABLE
    assert len(workers.metrics()) == 3
    monkeypatch.setattr(workers, "_grace_seconds", -5)
    workers.drain()
    assert hanging.process.returncode == -9
    assert time.monotonic() - begun < SECONDS


def hang_at_load(worker: FakeWorker) -> None:
    worker.other._methods["load"] = lambda *_: worker.continues.wait(SECONDS)  # type: ignore[index]


def test_a_load_that_hangs_fails_and_its_worker_is_replaced(
    workers: WorkerPool, started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other worker serves all the time. The version is not loaded into another worker."""
    load(workers, 6, "m", add(tmp_path / "0"))
    monkeypatch.setattr(pool, "LOAD_SECONDS", 0.05)
    first, second = started.workers
    hang_at_load(first)
    with pytest.raises(Quarantined, match=r"^Loading m version 1 takes too long\.$"):
        load(workers, 7, "m", add(tmp_path / "1"))
    until(lambda: len(started.workers) == 3 and len(serving(workers)) == 2)
    assert first.process.returncode == 0  # it has answered its requests, and has stopped
    assert second in serving(workers) and second.process.poll() is None
    assert all(worker.ids == {6} and not worker.loading for worker in serving(workers))


def test_workers_with_loads_that_hang_are_replaced_one_by_one(
    workers: WorkerPool, started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LOAD_SECONDS", 0.05)
    first, second = started.workers
    hang_at_load(second)
    ready = threading.Event()
    prepare = workers._crew._prepare
    monkeypatch.setattr(workers._crew, "_prepare", lambda worker: ready.wait(SECONDS) and prepare(worker))
    with pytest.raises(Quarantined):
        load(workers, 7, "m", add(tmp_path / "1"))  # the first worker has loaded it
    hang_at_load(first)
    with pytest.raises(Quarantined):
        load(workers, 8, "m", tmp_path / "1")
    until(lambda: len(started.workers) == 3)
    time.sleep(0.1)
    assert len(serving(workers)) == 1 and len(started.workers) == 3
    ready.set()
    until(lambda: len(started.workers) == 4 and len(serving(workers)) == 2)
    assert not {first, second} & set(serving(workers))


def test_a_load_that_ends_too_late_is_unloaded(
    workers: WorkerPool, started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LOAD_SECONDS", 0.05)
    first, _ = started.workers
    hang_at_load(first)
    unloaded: list[int] = []
    first.other._methods["unload"] = unloaded.append  # type: ignore[index]
    monkeypatch.setattr(workers._crew, "replace", lambda *_: None)
    with pytest.raises(Quarantined):
        load(workers, 7, "m", add(tmp_path / "1"))
    first.continues.set()
    until(lambda: unloaded == [7])
    assert not first.loading and 7 not in first.ids


def test_a_version_that_hangs_in_all_new_workers_is_lost(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other versions are served again."""
    load(workers, 6, "m", add(tmp_path / "0"))
    load(workers, 7, "n", add(tmp_path / "1"))
    hanging = threading.Event()
    monkeypatch.setattr(pool, "LOAD_AGAIN_SECONDS", 0.05)
    load_folder = FakeWorker._load_folder

    def load_or_hang(worker: FakeWorker, id: int, *arguments: Any) -> None:
        load_folder(worker, id, *arguments)
        if id == 7:
            hanging.wait(SECONDS)

    monkeypatch.setattr(FakeWorker, "_load_folder", load_or_hang)
    for worker in started.workers[:2]:
        worker.process.kill()
    until(lambda: isinstance(reports.is_lost.get(7), Quarantined))
    until(lambda: len(serving(workers)) == 2)
    hanging.set()
    assert set(reports.is_lost) == {7}
    assert all(worker.ids == {6} for worker in serving(workers))


# === Workers that can't be started ===


@pytest.mark.parametrize("error", [BlockingIOError("fork"), MemoryError(), RuntimeError("can't start new thread")])
def test_a_worker_that_cannot_be_started_is_started_later(
    workers: WorkerPool, started: Started, error: Exception
) -> None:
    started.errors = [error] * 5
    started.workers[0].process.kill()
    until(lambda: not started.errors)
    until(lambda: len(serving(workers)) == 2)


def test_the_server_ends_if_there_is_nobody_to_serve(
    workers: WorkerPool, started: Started, dead: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "IDLE_SECONDS", 0.1)
    started.errors = [OSError("no memory")] * 10_000
    started.workers[0].process.kill()
    assert not dead.wait(0.3)  # one worker still serves
    started.workers[1].process.kill()
    assert dead.wait(SECONDS)


# === New workers and their versions ===


def test_a_new_worker_serves_only_when_it_has_all_versions(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports
) -> None:
    folder = add(tmp_path / "1")
    load(workers, 7, "m", folder)
    workers.publish(TABLE)
    workers.open()
    folder.rename(tmp_path / "away")
    started.workers[0].process.kill()
    until(lambda: len(started.workers) == 3)
    new = started.workers[2]
    time.sleep(0.1)
    assert serving(workers) == [started.workers[1]] and not new.is_open
    assert not reports.is_lost
    (tmp_path / "away").rename(folder)
    until(lambda: new.is_open)
    assert new.ids == {7} and new.table == TABLE


def test_a_version_that_no_worker_can_load_is_lost(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports
) -> None:
    load(workers, 7, "m", add(tmp_path / "1"))
    load(workers, 8, "n", add(tmp_path / "2"))
    (tmp_path / "1").rename(tmp_path / "away")
    for worker in started.workers[:2]:
        worker.process.kill()
    until(lambda: reports.is_lost)
    until(lambda: len(serving(workers)) == 2 and not set(serving(workers)) & set(started.workers[:2]))
    assert isinstance(reports.is_lost.pop(7), NotFound) and not reports.is_lost
    assert all(worker.ids == {8} for worker in serving(workers))


def test_a_new_worker_does_not_serve_changed_files(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports
) -> None:
    folder = add(tmp_path / "1")
    load(workers, 7, "m", folder)
    (folder / "saved_model.pb").write_text("another model")
    started.workers[0].process.kill()
    until(lambda: reports.has_changed == {7})
    assert serving(workers) == [started.workers[1]]
    load(workers, 8, "m", folder)  # as the manager then does
    workers.unload(7)
    until(lambda: len(serving(workers)) == 2)
    assert all(worker.ids == {8} for worker in serving(workers))


def test_changed_files_are_a_lost_version_if_no_worker_has_the_old_files(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports
) -> None:
    folder = add(tmp_path / "1")
    load(workers, 7, "m", folder)
    (folder / "saved_model.pb").write_text("another model")
    for worker in started.workers[:2]:
        worker.process.kill()
    until(lambda: reports.is_lost)
    until(lambda: len(serving(workers)) == 2 and not set(serving(workers)) & set(started.workers[:2]))
    assert "have changed" in str(reports.is_lost[7])


# === Versions that crash workers ===


def test_a_version_that_crashes_two_workers_is_lost(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports
) -> None:
    load(workers, 7, "m", add(tmp_path / "1"))
    for count in (3, 4):
        assert not reports.is_lost
        serving(workers)[0].crash(7)
        until(lambda count=count: len(started.workers) == count)
        until(lambda: len(serving(workers)) == 2)
    assert isinstance(reports.is_lost[7], Quarantined)


def test_a_killed_worker_is_not_the_fault_of_the_version(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports
) -> None:
    load(workers, 7, "m", add(tmp_path / "1"))
    for count in range(3, 6):
        until(lambda: len(serving(workers)) == 2)
        worker = serving(workers)[0]
        worker.running._cells[0] = 7
        worker.process.kill()
        until(lambda count=count: len(started.workers) == count)
    assert not reports.is_lost


def test_a_version_that_crashes_while_it_is_loaded(workers: WorkerPool, started: Started, tmp_path: Path) -> None:
    with pytest.raises(Quarantined, match="^Two worker processes ended while they loaded m version 1.$"):
        load(workers, 7, "m", add(tmp_path / "1", "crash"))
    until(lambda: len(serving(workers)) == 2)
    assert len(started.workers) == 4


def test_a_second_worker_tries_a_load_only_if_all_workers_serve(
    workers: WorkerPool, started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LOAD_SECONDS", 0.1)
    started.errors = [OSError("no memory")] * 10_000
    with pytest.raises(Internal, match="^A worker process ended while it loaded m version 1, and is not replaced.$"):
        load(workers, 7, "m", add(tmp_path / "1", "crash"))
    assert serving(workers) == [started.workers[1]]
    started.errors.clear()


def test_a_load_that_stops_a_worker_counts_as_a_crash(
    workers: WorkerPool, started: Started, tmp_path: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example, because native code does not release the lock of the Python interpreter."""
    load(workers, 7, "m", add(tmp_path / "1"))
    monkeypatch.setattr(worker_process, "MAX_MISSED", 2)
    monkeypatch.setattr(worker_process, "MAX_MISSED_WHILE_LOADING", 2)
    load_folder = FakeWorker._load_folder

    def load_and_hang(worker: FakeWorker, id: int, *arguments: Any) -> None:
        worker.hang.set()
        worker.continues.wait(SECONDS)

    monkeypatch.setattr(FakeWorker, "_load_folder", load_and_hang)
    started.workers[0].process.kill()
    until(lambda: isinstance(reports.is_lost.get(7), Quarantined))
    monkeypatch.setattr(FakeWorker, "_load_folder", load_folder)
    until(lambda: len(serving(workers)) == 2)


def test_a_load_while_the_server_stops(workers: WorkerPool, tmp_path: Path) -> None:
    workers.drain()
    until(lambda: not serving(workers))
    with pytest.raises(Internal, match="^The server is stopping.$"):
        load(workers, 7, "m", add(tmp_path / "1"))
