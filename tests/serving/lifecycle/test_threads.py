"""Tests of the threads that run jobs: limits, jobs that hang, errors and the end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from keras_gallery.serving.lifecycle import threads
from keras_gallery.serving.lifecycle.threads import Threads

from ...waiting import until

SECONDS = 10


def test_the_number_of_threads() -> None:
    gate, started = threading.Event(), []

    def job(number: int) -> None:
        started.append(number)
        gate.wait(SECONDS)

    jobs = Threads("test", 2)
    for number in range(4):
        jobs.submit(job, number)
    until(lambda: len(started) == 2)
    time.sleep(0.02)
    assert sorted(started) == [0, 1]
    gate.set()
    jobs.close(SECONDS)
    assert sorted(started) == [0, 1, 2, 3]


def test_a_job_that_hangs_does_not_stop_the_others() -> None:
    gate, done = threading.Event(), threading.Event()
    jobs = Threads("test", 2, patience=0.05)
    for _ in range(4):
        jobs.submit(gate.wait, SECONDS)
    jobs.submit(done.set)
    assert done.wait(SECONDS)
    begun = time.monotonic()
    jobs.close(0.05)
    assert time.monotonic() - begun < SECONDS / 2  # does not wait for the jobs that hang
    gate.set()


def test_close_drops_jobs_that_have_not_started() -> None:
    gate, done = threading.Event(), threading.Event()
    jobs = Threads("test", 1)
    jobs.submit(gate.wait, SECONDS)
    jobs.submit(done.set)
    jobs.close(0.01, drop=True)
    jobs.submit(done.set)
    gate.set()
    jobs.close(SECONDS)
    assert not done.is_set()


def test_errors_and_threads_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    done, failures = threading.Event(), [RuntimeError("can't start new thread")] * 3
    start = threads.start_thread

    def start_later(*arguments: Any) -> None:
        if failures:
            raise failures.pop()
        start(*arguments)

    def fail() -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(threads, "RETRY_SECONDS", 0.001)
    jobs = Threads("test", 1)
    monkeypatch.setattr(threads, "start_thread", start_later)
    jobs.submit(fail)
    jobs.submit(done.set)
    assert done.wait(SECONDS) and not failures
