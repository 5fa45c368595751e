"""Tests of the threads that run batches."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from keras_gallery.serving.batching.threads import BatchThreads
from keras_gallery.serving.errors import Unavailable

from .fake_batching import Served, Signature, floats, play, serve


def test_a_run_may_end_after_the_event_loop() -> None:
    signature = Signature()
    with ThreadPoolExecutor(1) as pool:

        async def scene() -> None:
            (task,) = await Served(signature, BatchThreads(1, pool)).occupy()
            task.cancel()

        play(scene)
        signature.go()  # pytest turns an exception in a thread into an error


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request gets an error. A later request runs, and the first one does not run even then."""
    signature = Signature()

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scene() -> None:
        async with serve(signature) as (_, served):
            with monkeypatch.context() as patch:
                patch.setattr(threading.Thread, "start", start)
                task = await served.ask(floats(1))
                with pytest.raises(Unavailable, match="cannot start a thread"):
                    await task
            await (await served.ask(floats(2)))
            assert signature.rows == [2]

    play(scene)


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
