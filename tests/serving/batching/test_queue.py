"""Tests of the queue: timeouts, size limits, split requests and cancelled requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.batching.batcher import Batcher
from keras_gallery.serving.config.server_config import BatchingParameters
from keras_gallery.serving.core.servable import Servable
from keras_gallery.serving.errors import FailedPrecondition, Unavailable

from .fake_batching import HOUR, NAMES, Signature, floats, play, same, serve, until

FULL = "The batch scheduling queue to which this task was submitted is full; "


# === With a timeout ===


def test_a_full_batch_runs_at_once() -> None:
    async def scene() -> None:
        async with serve(batch_timeout_micros=HOUR, max_batch_size=4, threads=2) as (signature, served):
            first = await served.ask(floats(1))
            assert not signature.batches
            second = await served.ask(floats(3))
            assert same(await first, floats(1)) and same(await second, floats(3))
            assert signature.rows == [4]
            third = await served.ask(floats(3))
            fourth = await served.ask(floats(2))  # does not fit into the batch of `third`, so that batch runs at once
            assert same(await third, floats(3))
            assert not fourth.done()
            fourth.cancel()

    play(scene)


def test_a_batch_that_is_not_full_runs_after_the_timeout() -> None:
    async def scene() -> None:
        async with serve(batch_timeout_micros=20_000, threads=2) as (signature, served):
            started = asyncio.get_running_loop().time()
            tasks = [await served.ask(floats(1, start=n)) for n in range(3)]
            for n, task in enumerate(tasks):
                assert same(await task, floats(1, start=n))
            assert asyncio.get_running_loop().time() - started >= 0.019
            assert signature.rows == [3]
            assert max(served.seen[0][0]) >= 0.019

    play(scene)


def test_a_full_batch_does_not_run_again_after_its_timeout() -> None:
    async def scene() -> None:
        async with serve(batch_timeout_micros=20_000, max_batch_size=2) as (signature, served):
            await (await served.ask(floats(2)))
            await (await served.ask(floats(1)))  # both timeouts have passed
            assert signature.rows == [2, 1]

    play(scene)


def test_requests_may_join_a_batch_that_waits_for_a_thread() -> None:
    async def scene() -> None:
        async with serve(batch_timeout_micros=1) as (signature, served):
            (busy,) = await served.occupy()
            first = await served.ask(floats(1))
            await until(lambda: not served.batcher.is_empty())
            second = await served.ask(floats(1))
            signature.go()
            await asyncio.gather(busy, first, second)
            assert signature.rows == [1, 2]

    play(scene)


def test_a_request_that_cannot_be_batched_does_not_wait() -> None:
    async def scene() -> None:
        async with serve(Signature(shape=(2, 2)), batch_timeout_micros=HOUR) as (_, served):
            assert same(await (await served.ask(floats(2))), floats(2))

    play(scene)


# === A full queue ===


@pytest.mark.parametrize(
    ("parameters", "sizes", "too_many", "state"),
    [
        ({"max_batch_size": 1}, [1] * 10, 1, "currently 10 batches enqueued and max_enqueued_batches is 10"),
        (
            {"max_batch_size": 8, "max_enqueued_batches": 2},
            [8, 3, 4],
            2,
            "currently 2 batches enqueued and max_enqueued_batches is 2",
        ),
        (
            {"max_batch_size": 1, "max_enqueued_batches": 0},
            [1],
            1,
            "currently 1 batches enqueued and max_enqueued_batches is 1",
        ),
        (
            {
                "max_batch_size": 16,
                "max_enqueued_batches": 2,
                "enable_large_batch_splitting": True,
                "max_execution_batch_size": 4,
            },
            [7],
            2,
            "task size is 2 but scheduling capacity is only 1 (num_enqueued_batches=2, max_enqueued_batches=2, "
            "open_batch_size=3, max_execution_batch_size=4)",
        ),
    ],
)
def test_a_full_queue(parameters: Any, sizes: Sequence[int], too_many: int, state: str) -> None:
    async def scene() -> None:
        async with serve(**parameters) as (signature, served):
            (busy,) = await served.occupy()
            tasks = [await served.ask(floats(rows)) for rows in sizes]
            with pytest.raises(Unavailable) as caught:
                await served.batcher.run({"x": floats(too_many)}, NAMES)
            assert str(caught.value) == FULL + state
            signature.go()
            for task, rows in zip(tasks, sizes, strict=True):
                assert same(await task, floats(rows))
            await busy
            assert same(await (await served.ask(floats(1))), floats(1))  # the queue has room again

    play(scene)


def test_empty_requests_also_fill_the_queue() -> None:
    async def scene() -> None:
        async with serve(max_batch_size=2, max_enqueued_batches=2) as (signature, served):
            (busy,) = await served.occupy()
            tasks = [await served.ask(floats(0, width)) for width in range(4)]
            with pytest.raises(Unavailable):
                await served.batcher.run({"x": floats(0, 5)}, NAMES)
            signature.go()
            await asyncio.gather(busy, *tasks)

    play(scene)


# === Cancelling ===


@pytest.mark.parametrize("parameters", [{}, {"batch_timeout_micros": 1}])
def test_a_cancelled_request_leaves_the_queue(parameters: Any) -> None:
    async def scene() -> None:
        async with serve(max_batch_size=4, max_enqueued_batches=1, **parameters) as (signature, served):
            (busy,) = await served.occupy()
            tasks = [await served.ask(floats(1, start=n)) for n in (10, 20, 30, 40)]
            for task in (tasks[0], tasks[2]):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            tasks += [await served.ask(floats(2, start=50))]  # the queue has room again
            signature.go()
            await busy
            for start, task in ((20, tasks[1]), (40, tasks[3])):
                assert same(await task, floats(1, start=start))
            assert same(await tasks[4], floats(2, start=50))
            assert [list(batch[:, 0]) for batch in signature.batches[1:]] == [[20, 40, 50, 52]]

    play(scene)


def test_a_batch_of_cancelled_requests_does_not_run() -> None:
    async def scene() -> None:
        async with serve() as (signature, served):
            (busy,) = await served.occupy()
            gone = await served.ask(floats(2))
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert served.batcher.is_empty()
            signature.go()
            await busy
            assert same(await (await served.ask(floats(1))), floats(1))
            assert signature.rows == [1, 1]

    play(scene)


def test_cancelling_during_a_run_does_not_affect_other_requests() -> None:
    async def scene() -> None:
        async with serve(batch_timeout_micros=HOUR, max_batch_size=3) as (signature, served):
            signature.hold()
            one, other = await served.ask(floats(1)), await served.ask(floats(2))
            await until(lambda: signature.rows == [3])
            one.cancel()
            with pytest.raises(asyncio.CancelledError):
                await one
            assert served.owner.users == 1
            signature.go()
            assert same(await other, floats(2))

    play(scene)


def test_closing_waits_for_a_cancelled_run() -> None:
    async def scene() -> None:
        async with serve() as (signature, served):
            servable = Servable("model", 1, None, {})
            served.batcher = Batcher(signature, servable, BatchingParameters(), served.threads)
            servable.acquire()  # stands for a first request
            closing = threading.Thread(target=servable.close)
            closing.start()
            await until(lambda: servable._closed)
            (task,) = await served.occupy()
            task.cancel()
            servable.release()
            with pytest.raises(asyncio.CancelledError):
                await task
            closing.join(0.05)
            assert closing.is_alive()
            signature.go()
            await until(lambda: not closing.is_alive())

    play(scene)


# === Large requests ===

SPLITTING = {"max_batch_size": 64, "enable_large_batch_splitting": True, "max_execution_batch_size": 4}


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([4], [4]),
        ([5], [4, 1]),
        ([12], [4, 4, 4]),
        ([3, 3], [4, 2]),  # the second request fills the batch of the first
        ([1, 11, 1], [4, 4, 4, 1]),
        ([2, 2, 9, 0], [4, 4, 4, 1]),
    ],
)
def test_large_requests_are_split(sizes: Sequence[int], batches: Sequence[int]) -> None:
    async def scene() -> None:
        async with serve(**SPLITTING) as (signature, served):
            (busy,) = await served.occupy()
            requests = [floats(rows, start=100 * n) for n, rows in enumerate(sizes)]
            tasks = [await served.ask(x) for x in requests]
            signature.go()
            await busy
            for task, x in zip(tasks, requests, strict=True):
                assert same(await task, x)
            assert signature.rows[1:] == list(batches)

    play(scene)


def test_a_request_that_cannot_be_batched_is_not_split() -> None:
    async def scene() -> None:
        async with serve(Signature(shape=(9, -1)), **SPLITTING) as (signature, served):
            (busy,) = await served.occupy()
            task = await served.ask(floats(9))
            signature.go()
            assert same(await task, floats(9))
            await busy
            assert signature.rows == [1, 9]

    play(scene)


def test_parts_of_different_lengths_are_joined() -> None:
    """Each part is padded to the longest row in the batch of that part."""

    async def scene() -> None:
        async with serve(pad_variable_length_inputs=True, **SPLITTING) as (signature, served):
            (busy,) = await served.occupy()
            await served.ask(floats(3, 5))
            task = await served.ask(floats(5, 2))
            signature.go()
            assert [batch.shape for batch in signature.batches] == [(1, 2)]
            got = await task
            assert [batch.shape for batch in signature.batches] == [(1, 2), (4, 5), (4, 2)]
            x = floats(5, 2)
            first, others = (np.pad(part, [(0, 0), (0, 3)], constant_values=part[0, 0]) for part in (x[:1], x[1:]))
            assert np.array_equal(got["twice"], np.concatenate([first, others]) * 2)
            assert np.array_equal(got["total"], [first.sum(), *x[1:].sum(1)])
            await busy

    play(scene)


def test_without_splitting_the_execution_size_has_no_effect() -> None:
    async def scene() -> None:
        async with serve(max_batch_size=8, max_execution_batch_size=4) as (signature, served):
            assert same(await (await served.ask(floats(7))), floats(7))
            assert signature.rows == [7]

    play(scene)


def test_a_split_request_is_cancelled_and_fails_as_a_whole() -> None:
    async def scene() -> None:
        async with serve(**SPLITTING) as (signature, served):
            (busy,) = await served.occupy()
            large, small = await served.ask(floats(9)), await served.ask(floats(1))
            large.cancel()
            with pytest.raises(asyncio.CancelledError):
                await large
            signature.go()
            await asyncio.gather(busy, small)
            assert signature.rows == [1, 1]
            signature.error = FailedPrecondition("broken")
            with pytest.raises(FailedPrecondition):
                await served.batcher.run({"x": floats(40)}, NAMES)
            assert sum(signature.rows) < 40

    play(scene)
