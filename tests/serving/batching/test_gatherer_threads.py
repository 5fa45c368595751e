"""Tests of runs in threads that requests share because they arrived during another run."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

import pytest
from keras_gallery.serving.batching import gatherer as gathering

from .fake_batching import NAMES, floats, same, until
from .fake_gathering import ROW, Scene, play


def test_large_requests_run_in_a_thread() -> None:
    async def scene(scene: Scene) -> None:
        outputs, batch_rows = await scene.ask(floats(3))
        assert same(outputs, floats(3)) and batch_rows == 0
        assert scene.submitted == 1

    assert play(scene, quick_bytes=2 * ROW).threads != [threading.main_thread()]


def test_requests_that_arrive_during_a_run_share_the_next_one() -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.hold()
        first = scene.ask(floats(1))
        await until(lambda: scene.signature.rows == [1])
        later = []
        for start in range(4):
            later.append(scene.ask(floats(1, start=start)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert scene.signature.rows == [1]
        scene.signature.go()
        answers = await asyncio.gather(first, *later)
        assert [batch_rows for _, batch_rows in answers] == [0, 4, 4, 4, 4]
        assert all(same(answers[1 + start][0], floats(1, start=start)) for start in range(4))
        assert scene.signature.rows == [1, 4]

    play(scene, quick_bytes=-1)


def test_small_requests_do_not_wait_for_a_run_in_a_thread() -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.hold()
        large = scene.ask(floats(9))
        await until(lambda: scene.signature.rows == [9])
        free = scene.signature._may_go
        scene.signature._may_go = threading.Event()
        scene.signature._may_go.set()
        assert same((await scene.ask(floats(1)))[0], floats(1))
        assert not large.done()
        free.set()
        await large

    assert play(scene, quick_bytes=ROW).threads[1] is threading.main_thread()


@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_the_number_of_parallel_runs(parallel: int) -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.hold()
        requests = []
        for number in range(5):
            requests.append(scene.ask(floats(1)))
            await until(lambda count=number + 1: len(scene.signature.runs) == min(count, parallel))
        assert scene.submitted == parallel
        scene.signature.go()
        await asyncio.gather(*requests)
        assert scene.signature.rows == [1] * parallel + [5 - parallel]

    play(scene, quick_bytes=-1, parallel=parallel)


def test_a_run_that_would_block_the_event_loop_moves_to_a_thread() -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.blocks = True
        answers = await asyncio.gather(scene.ask(floats(1)), scene.ask(floats(2)))
        assert same(answers[0][0], floats(1)) and same(answers[1][0], floats(2))
        assert [batch_rows for _, batch_rows in answers] == [3, 3]
        assert scene.submitted == 1

    assert threading.main_thread() not in play(scene).threads


def test_errors_in_a_thread() -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.fails = lambda x: len(x) != 2
        answers: Any = await asyncio.gather(scene.ask(floats(1)), scene.ask(floats(2)), return_exceptions=True)
        assert str(answers[0]) == "1 rows" and same(answers[1][0], floats(2))
        assert same((await scene.ask(floats(2)))[0], floats(2))

    assert play(scene, quick_bytes=-1).rows == [3, 1, 2, 2]


def test_cancelled_requests_in_a_queue_do_not_run() -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.hold()
        running = scene.ask(floats(1))
        await until(lambda: scene.signature.rows == [1])
        cancelled, kept = scene.ask(floats(2)), scene.ask(floats(3))
        for _ in range(3):
            await asyncio.sleep(0)
        running.cancel()
        cancelled.cancel()
        await asyncio.gather(running, cancelled, return_exceptions=True)
        scene.signature.go()
        assert same((await kept)[0], floats(3))
        assert same((await scene.ask(floats(4)))[0], floats(4))

    assert play(scene, quick_bytes=-1).rows == [1, 3, 4]


def test_a_batch_in_a_thread_has_a_maximum_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_JOINED_BYTES", 5 * ROW)

    async def scene(scene: Scene) -> None:
        await asyncio.gather(*(scene.ask(floats(size)) for size in (2, 2, 2, 9)))

    assert play(scene, quick_bytes=-1).rows == [4, 2, 9]


def test_a_thread_pool_that_has_been_closed() -> None:
    """A call that never starts ends its requests, and frees the thread for later requests."""

    async def scene(scene: Scene) -> None:
        dropped: Future[Any] = Future()
        request = asyncio.ensure_future(scene.gatherer.run({"x": floats(1)}, NAMES, lambda *_: dropped))
        for _ in range(3):
            await asyncio.sleep(0)
        assert dropped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert same((await scene.ask(floats(1)))[0], floats(1))

    play(scene, quick_bytes=-1)


def test_a_run_may_end_after_the_event_loop(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.hold()
        scene.ask(floats(1)).add_done_callback(lambda _: None)
        await until(lambda: scene.signature.rows == [1])

    signature = play(scene, quick_bytes=-1)
    assert signature.rows == [1]
    assert not caplog.records


def test_a_thread_that_cannot_be_started_fails_the_requests_of_one_run() -> None:
    async def scene(scene: Scene) -> None:
        submit = scene.submit

        def fail(*_: Any) -> Future[Any]:
            raise OSError("no thread")

        scene.submit = fail  # type: ignore[method-assign]
        with pytest.raises(OSError, match="no thread"):
            await scene.ask(floats(3))
        scene.submit = submit  # type: ignore[method-assign]
        outputs, _ = await scene.ask(floats(3))
        assert same(outputs, floats(3))

    play(scene, quick_bytes=ROW)
