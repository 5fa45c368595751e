"""Tests of the record of the servables that run."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.lifecycle.running import RunningIds


class FakeRunner:
    """Returns the ids that are recorded while it runs."""

    engine = "fake"
    can_join = None

    def __init__(self, record: RunningIds) -> None:
        self.record = record
        self.closed = False

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        if "fail" in outputs:
            raise KeyError("fail")
        return {"ids": np.array(sorted(self.record.read()))}

    def close(self) -> None:
        self.closed = True


def test_another_process_sees_what_runs() -> None:
    """The record that the manager reads is another mapping of the same memory."""
    manager = RunningIds.create()
    worker = RunningIds(manager.fileno())
    inner = FakeRunner(manager)
    runner = worker.mark(inner, 7)
    assert runner.engine == "fake" and runner.can_join is None
    assert runner({}, ["x"])["ids"].tolist() == [7]
    with pytest.raises(KeyError):
        runner({}, ["fail"])
    assert manager.read() == set()
    runner.close()
    assert inner.closed
    manager.close()


def test_each_thread_has_its_own_cell() -> None:
    record = RunningIds.create()
    gate, both = threading.Barrier(2), []

    class Waiting(FakeRunner):
        def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
            gate.wait(10)
            both.append(self.record.read())
            gate.wait(10)
            return {}

    runners = [record.mark(Waiting(record), id) for id in (7, 8)]
    threads = [threading.Thread(target=runner, args=({}, [])) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both == [{7, 8}, {7, 8}]
    assert record.read() == set()
    record.close()
