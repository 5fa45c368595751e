"""Tests of the thread pool that runs batches."""

from __future__ import annotations

import threading

from keras_gallery.serving.batching.threads import BatchThreads

from .fake_batching import SECONDS, Served, Signature, floats, play, serve


def batch_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("batch")}


def wait_for_end(threads: set[threading.Thread]) -> None:
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_closing_ends_the_threads() -> None:
    before = batch_threads()
    pool = BatchThreads(3)
    mine = batch_threads() - before
    assert len(mine) == 3
    pool.close()
    wait_for_end(mine)


def test_a_run_may_end_after_the_event_loop() -> None:
    before = batch_threads()
    pool = BatchThreads(1)
    signature = Signature()

    async def scene() -> None:
        (task,) = await Served(signature, pool).occupy()
        task.cancel()

    play(scene)
    signature.go()
    pool.close()
    wait_for_end(batch_threads() - before)  # pytest turns an exception in a thread into an error


def test_signatures_take_turns() -> None:
    async def scene() -> None:
        async with serve(max_batch_size=1) as (signature, served):
            other = Signature()
            log = signature.batches = other.batches = []
            other_served = Served(other, served.threads, max_batch_size=1)
            (busy,) = await served.occupy()
            tasks = [await served.ask(floats(1, start=n)) for n in (10, 20, 30)]
            tasks += [await other_served.ask(floats(1, start=n)) for n in (40, 50)]
            signature.go()
            for task in [busy, *tasks]:
                await task
            assert [batch[0, 0] for batch in log] == [1, 10, 40, 20, 50, 30]

    play(scene)


def test_a_slow_signature_leaves_a_thread_to_the_others() -> None:
    async def scene() -> None:
        async with serve(threads=2, max_batch_size=1) as (slow, served):
            other = Served(Signature(), served.threads)
            await (await other.ask(floats(1)))
            slow.hold()
            tasks = [await served.ask(floats(1)) for _ in range(4)]
            for _ in range(3):
                await (await other.ask(floats(1)))
            assert len(slow.batches) == 1
            slow.go()
            for task in tasks:
                await task

    play(scene)
