"""Tests of the batcher: which requests form a batch, and the outputs that each request gets.

The expected outputs are computed for one request at a time.
"""

from __future__ import annotations

import asyncio
import functools
import math
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_gallery.serving.batching import batcher as batching
from keras_gallery.serving.engines.base import DEADLINE, WouldBlock, raise_in_event_loop
from keras_gallery.serving.errors import Internal, InvalidArgument

from .fake_batching import HOUR, NAMES, SECONDS, Served, Signature, floats, play, same, serve

# === Without a timeout ===


def test_a_request_does_not_wait_while_a_thread_is_idle() -> None:
    async def scene() -> None:
        async with serve(threads=2) as (signature, served):
            x = floats(3)
            assert same(await (await served.ask(x)), x)
            assert signature.batches[0] is x  # not copied
            first, second = await served.occupy(2)  # neither request waits for the other
            signature.go()
            await first, await second
            assert signature.rows == [3, 1, 1]

    play(scene)


def test_requests_that_arrive_during_a_run_form_a_batch() -> None:
    async def scene() -> None:
        async with serve() as (signature, served):
            (busy,) = await served.occupy()
            requests = [floats(1), floats(3, start=10), floats(0), floats(2, start=30)]
            wanted = [NAMES, ["twice"], NAMES, NAMES]
            tasks = [await served.ask(x, outputs) for x, outputs in zip(requests, wanted, strict=True)]
            assert signature.rows == [1]
            signature.go()
            await busy
            assert same(await tasks[0], requests[0]) and same(await tasks[1], requests[1], ["twice"])
            assert same(await tasks[2], requests[2]) and same(await tasks[3], requests[3])
            assert signature.rows == [1, 6]
            assert np.array_equal(signature.batches[1], np.concatenate(requests))  # in the order of arrival
            ((_, *first), (waits, *second)) = served.seen
            assert first == [1, 1] and second == [6, 6]
            assert len(waits) == 4 and sorted(waits, reverse=True) == list(waits) and waits[-1] >= 0

    play(scene)


def test_batches_have_at_most_the_maximum_size() -> None:
    async def scene() -> None:
        async with serve(max_batch_size=4) as (signature, served):
            (busy,) = await served.occupy()
            tasks = [await served.ask(floats(rows, start=rows)) for rows in (1, 2, 3, 1, 4, 1)]
            signature.go()
            for task in [busy, *tasks]:
                await task
            assert signature.rows == [1, 3, 4, 4, 1]

    play(scene)


def test_requests_with_different_batch_keys_form_separate_batches() -> None:
    async def scene() -> None:
        async with serve() as (signature, served):
            (busy,) = await served.occupy()
            requests = [floats(1, width) for width in (2, 3, 2, 4, 3)]
            tasks = [await served.ask(x) for x in requests]
            signature.go()
            await busy
            for task, x in zip(tasks, requests, strict=True):
                assert same(await task, x)
            assert [batch.shape for batch in signature.batches[1:]] == [(2, 2), (2, 3), (1, 4)]

    play(scene)


@pytest.mark.parametrize("shape", [(1, -1), (-1, 3)])
def test_requests_that_cannot_be_batched_run_alone(shape: tuple[int, ...]) -> None:
    async def scene() -> None:
        async with serve(Signature(shape=shape)) as (signature, served):
            (busy,) = await served.occupy()
            tasks = [await served.ask(floats(1)) for _ in range(3)]
            signature.go()
            for task in [busy, *tasks]:
                assert same(await task, floats(1))
            assert signature.rows == [1, 1, 1, 1]

    play(scene)


# === Quick signatures ===


def test_a_quick_signature_runs_on_the_event_loop() -> None:
    async def scene() -> None:
        async with serve(Signature(quick=True)) as (signature, served):
            x = floats(2)
            assert same(await served.batcher.run({"x": x}, NAMES), x)
            assert signature.threads == [threading.get_ident()] and signature.batches[0] is x
            assert served.seen == [([0.0], 2, 2)]
            signature.error = Internal("broken")
            with pytest.raises(Internal, match="broken"):
                await served.batcher.run({"x": x}, NAMES)

    play(scene)


def test_a_quick_signature_waits_if_there_is_a_timeout() -> None:
    async def scene() -> None:
        async with serve(Signature(quick=True), batch_timeout_micros=HOUR, max_batch_size=2) as (signature, served):
            tasks = [await served.ask(floats(1)) for _ in range(2)]
            await asyncio.gather(*tasks)
            assert signature.rows == [2] and threading.get_ident() not in signature.threads

    play(scene)


def test_a_quick_signature_uses_a_thread_while_a_run_is_in_progress() -> None:
    async def scene() -> None:
        async with serve() as (signature, served):
            tasks = await served.occupy()
            signature.quick = True
            tasks.append(await served.ask(floats(1)))
            signature.go()
            for task in tasks:
                await task
            assert threading.get_ident() not in signature.threads

    play(scene)


def test_a_run_that_would_block_the_event_loop_uses_a_thread() -> None:
    class Blocking(Signature):
        def run(self, inputs: Any, outputs: Sequence[str]) -> Any:
            raise_in_event_loop()
            return super().run(inputs, outputs)

    async def scene() -> None:
        async with serve(Blocking(quick=True)) as (signature, served):
            assert same(await served.batcher.run({"x": floats(2)}, NAMES), floats(2))
            assert len(served.seen) == 1 and threading.get_ident() not in signature.threads

    play(scene)


def test_a_run_that_has_begun_on_the_event_loop_is_resumed_by_the_caller() -> None:
    class Slow(Signature):
        def run(self, inputs: Any, outputs: Sequence[str]) -> Any:
            raise WouldBlock(functools.partial(super().run, inputs, outputs))

    async def scene() -> None:
        async with serve(Slow(quick=True), allowed_batch_sizes=[4], max_batch_size=4) as (signature, served):
            with pytest.raises(WouldBlock) as caught:
                await served.batcher.run({"x": floats(2)}, NAMES)
            assert not signature.rows and caught.value.resume
            assert same(caught.value.resume(), floats(2))
            assert signature.rows == [4]

    play(scene)


def test_a_batch_has_the_latest_deadline_of_its_requests() -> None:
    class Watching(Signature):
        deadlines: ClassVar[list[float]] = []

        def run(self, inputs: Any, outputs: Sequence[str]) -> Any:
            self.deadlines.append(DEADLINE.get())
            return super().run(inputs, outputs)

    async def scene() -> None:
        async with serve(Watching()) as (signature, served):
            tasks = await served.occupy()
            for deadline in (3.0, 5.0, 4.0):
                DEADLINE.set(deadline)
                tasks.append(await served.ask(floats(1)))
            signature.go()
            await asyncio.gather(*tasks)
            assert signature.rows == [1, 3]
            assert Watching.deadlines == [math.inf, 5.0]

    play(scene)


def test_a_quick_request_does_not_overtake_waiting_requests() -> None:
    async def scene() -> None:
        async with serve() as (signature, served):
            other = Served(Signature(), served.threads)
            (busy,) = await other.occupy()
            first = await served.ask(floats(1))
            signature.quick = True
            second = await served.ask(floats(2))
            assert not signature.batches
            other.signature.go()
            await asyncio.gather(busy, first, second)
            assert signature.rows == [3]

    play(scene)


def test_longer_runs_use_threads_if_requests_arrive_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "WORTH_A_THREAD_SECONDS", 0)
    monkeypatch.setattr(batching, "PROBE_AFTER", 2)

    async def scene() -> None:
        async with serve(Signature(quick=True)) as (signature, served):
            here = threading.get_ident()

            async def run(number: int) -> list[bool]:
                """Runs requests one after the other. Returns for each request whether it ran on the event loop."""
                signature.threads.clear()
                for _ in range(number):
                    await served.batcher.run({"x": floats(1)}, NAMES)
                return [thread == here for thread in signature.threads]

            monkeypatch.setattr(batching, "WORTH_A_THREAD_SECONDS", SECONDS)
            assert all(await run(8))
            monkeypatch.setattr(batching, "WORTH_A_THREAD_SECONDS", 0)
            assert await run(6) == [False, True, True] * 2  # no other request arrives during the probes
            (probe,) = await served.occupy()
            tasks = [await served.ask(floats(1)) for _ in range(2)]
            signature.go()
            await asyncio.gather(probe, *tasks)
            assert signature.rows[-2:] == [1, 2]
            # Requests arrived during the last run in a thread, so one more request runs in a thread.
            assert await run(4) == [False, True, True, False]

    play(scene)


# === Errors ===


def test_an_error_fails_only_its_own_batch() -> None:
    async def scene() -> None:
        async with serve() as (signature, served):
            (busy,) = await served.occupy()
            tasks = [await served.ask(floats(1)) for _ in range(3)]
            signature.error = RuntimeError("broken")
            signature.go()
            for task in (busy, *tasks):
                with pytest.raises(RuntimeError, match="broken"):
                    await task
            signature.error = None
            assert same(await (await served.ask(floats(1))), floats(1))
            assert signature.rows == [1, 3, 1]

    play(scene)


def test_invalid_requests_never_enter_the_queue() -> None:
    async def scene() -> None:
        async with serve(max_batch_size=8) as (_, served):
            for message, x in {
                "Batching Run() input tensors must have at least one dimension": np.float32(2.5).reshape(()),
                "Task size 9 is larger than maximum input batch size 8": floats(9),
            }.items():
                with pytest.raises(InvalidArgument) as caught:
                    await served.batcher.run({"x": x}, NAMES)
                assert str(caught.value) == message
            assert not served.signature.batches

    play(scene)


# === Random timing ===

REQUEST = st.tuples(
    st.integers(0, 5), st.integers(1, 3), st.sampled_from([NAMES, ("total",), ("twice",), NAMES[::-1]]), st.booleans()
)
STEP = st.one_of(REQUEST, st.sampled_from(["hold", "go", "turn"]))
PARAMETERS = st.fixed_dictionaries(
    {"max_batch_size": st.integers(5, 9), "batch_timeout_micros": st.sampled_from([None, 0, 1, 1000])},
    optional={
        "pad_variable_length_inputs": st.booleans(),
        "enable_large_batch_splitting": st.just(True),
        "max_execution_batch_size": st.integers(1, 5),
        "allowed_batch_sizes": st.sampled_from([(4, 9), (2, 3, 9)]),
    },
)


@settings(deadline=None)
@given(st.lists(STEP, max_size=25), PARAMETERS, st.integers(1, 3), st.booleans())
def test_every_request_gets_its_own_rows(steps: list[Any], parameters: Any, threads: int, quick: bool) -> None:
    async def scene() -> None:
        async with serve(Signature(quick=quick), threads=threads, max_enqueued_batches=100, **parameters) as (
            signature,
            served,
        ):
            requests = []
            for step in steps:
                if step == "hold":
                    signature.hold()
                elif step == "go":
                    signature.go()
                elif step == "turn":
                    await asyncio.sleep(0)
                else:
                    rows, width, outputs, cancelled = step
                    x = floats(rows, width, start=1 + 1000 * len(requests))
                    if quick:
                        signature.go()  # a paused run would block the event loop
                    requests.append((x, outputs, cancelled, await served.ask(x, outputs)))
            for *_, cancelled, task in requests:
                if cancelled:
                    task.cancel()
            signature.go()
            for x, outputs, cancelled, task in requests:
                try:
                    got = await task
                except asyncio.CancelledError:
                    assert cancelled
                else:
                    # The padding repeats the first element of the request or of one of its parts.
                    twice, firsts = got.get("twice", x * 2), x[:, 0]
                    assert np.array_equal(twice[:, : x.shape[1]], x * 2)
                    assert np.isin(twice[:, x.shape[1] :], firsts * 2).all()
                    more = got.get("total", x.sum(1)) - x.sum(1)
                    most_padded = 2 if parameters.get("pad_variable_length_inputs") else 0
                    assert np.isin(more, np.outer(range(most_padded + 1), firsts)).all()
                    assert list(got) == list(outputs)
            if not parameters.get("allowed_batch_sizes"):
                assert all(rows <= parameters["max_batch_size"] for rows in signature.rows)

    play(scene)
