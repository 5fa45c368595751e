"""Tests of the limits of a server process: decompressed data, memory and open files."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import threading
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving import limits
from keras_gallery.serving.errors import ResourceExhausted
from keras_gallery.serving.limits import Budget, Share

from ..random_inputs import random_inputs
from ..waiting import until

MIB = 1 << 20


# === Compressed data ===


@random_inputs(50)
@given(st.binary(max_size=5000))
def test_decompression(data: bytes) -> None:
    assert limits.unpack(gzip.compress(data), 5000) == data
    assert limits.unpack(zlib.compress(data), 5000, wbits=15) == data


def test_decompressed_data_above_the_limit() -> None:
    assert limits.unpack(gzip.compress(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(ResourceExhausted, match="has more than 999 bytes when decompressed"):
        limits.unpack(gzip.compress(bytes(1000)), 999)


def test_decompressed_data_with_an_unlikely_ratio() -> None:
    free = bytes(limits.FREE_UNPACKED_BYTES)
    assert limits.unpack(gzip.compress(free), 100 * MIB) == free
    with pytest.raises(ResourceExhausted):
        limits.unpack(gzip.compress(free + b"\0"), 100 * MIB)
    likely = np.random.default_rng(0).integers(0, 4, 20 * MIB, np.uint8).tobytes()  # compresses to a fourth of the size
    assert limits.unpack(gzip.compress(likely, 1), 100 * MIB) == likely


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:5], lambda data: b"", lambda data: b"a" + data]
)
def test_damaged_data(damage: object) -> None:
    assert limits.unpack(damage(gzip.compress(b"a" * 1000)), MIB) is None  # type: ignore[operator]


def test_a_decompression_bomb_needs_little_memory() -> None:
    bomb = gzip.compress(bytes(100 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(ResourceExhausted):
            limits.unpack(bomb, 100 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


# === Memory ===


def test_a_memory_budget() -> None:
    budget = Budget(100)
    assert budget.take(60) and budget.take(40)
    assert not budget.take(1) and budget.used == 100
    budget.give(100)
    assert budget.take(1000), "a single request may exceed the limit"
    assert budget.take(1000, held=1000), "the same request may take more"
    assert not budget.take(1)
    budget.give(2000)
    assert not budget.take(101, held=-1), "with held=-1 the limit applies to a single request"
    assert budget.used == 0


def test_a_share_returns_what_it_took() -> None:
    budget = Budget(100)
    first, second = Share(budget), Share(budget)
    first.take(30)
    first.take_up_to(50)
    first.take_up_to(40)
    assert (first.held, budget.used) == (50, 50)
    with pytest.raises(ResourceExhausted, match=r"^The memory budget for requests is used up. Retry later.$"):
        second.take(51)
    assert (second.held, budget.used) == (0, 50)
    second.take_up_to(50)
    with pytest.raises(ResourceExhausted):
        first.take_up_to(51)
    first.release()
    second.take(1000)  # the only request with memory may exceed the limit
    second.release()
    second.release()
    assert (first.held, second.held, budget.used) == (0, 0, 0)
    with pytest.raises(ResourceExhausted):
        first.take(101, alone=False)
    assert budget.used == 0


def test_memory_of_the_machine() -> None:
    with open("/proc/meminfo") as file:
        total = int(file.readline().split()[1]) << 10
    assert 64 * MIB < limits.memory() <= total
    assert limits.share_of_memory(4) == pytest.approx(limits.memory() / 16, abs=1)


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", "1", '""', '{"b64":"YQ=="}', '{"a":1}', "[[[1]]]", "null", "0.125", '"é"', '"' + "a" * 99 + '😀"'],
)
def test_the_estimated_memory_of_parsed_json(text: str) -> None:
    """The values of Python's own JSON parser take less than 1.5 times the estimate."""
    document = ("[" + ",".join([text] * 20_000) + "]").encode()
    tracemalloc.start()
    try:
        value = json.loads(document)
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert value and used < 1.5 * limits.json_memory(document)
    assert limits.json_memory(document) <= 80 * len(document)


# === Files ===


def test_the_limit_of_open_files_is_raised_to_the_maximum() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000));"
        "from keras_gallery.serving import limits; limits.raise_open_files(); limits.raise_open_files();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE), limits.connections())"
    )
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1000:
        pytest.skip("this process may open fewer files")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["(1000,", "1000)", str((1000 - limits.SPARE_OPEN_FILES) // 2)]


def test_threads_wait_for_a_budget_in_turn() -> None:
    """A thread that needs much is not passed by later ones that need little."""
    budget, order = limits.WaitingBudget(100), []
    can_end, started = threading.Event(), threading.Barrier(2)

    def hold(count: int) -> None:
        with budget.hold(count, 60):
            order.append(count)

    def first() -> None:
        with budget.hold(10, 60):
            started.wait(60)
            can_end.wait(60)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    started.wait(60)
    for count in (1000, 1):
        threads.append(threading.Thread(target=hold, args=(count,)))
        threads[-1].start()
        until(lambda: len(budget._waiting) == len(threads) - 1)
    assert order == []
    can_end.set()
    for thread in threads:
        thread.join(60)
    assert order == [1000, 1]


def test_a_budget_that_is_not_free_in_time() -> None:
    budget = limits.WaitingBudget(100)
    with budget.hold(1, 0):
        with pytest.raises(ResourceExhausted, match=r"^The memory for pictures and texts is used up. Retry later.$"):
            with budget.hold(100, 0.01):
                pass
        with budget.hold(99, 0):
            pass
    with budget.hold(100, 0):
        pass
