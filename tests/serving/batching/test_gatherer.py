"""Tests of runs on the event loop that requests share, and of requests that must run alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.engines.base import MAX_JOINED_ROWS, Arrays

from ...random_inputs import random_inputs
from .fake_batching import NAMES, floats, same
from .fake_gathering import ROW, Scene, play


@pytest.mark.parametrize("rows", [1, 3])
def test_a_lone_request_runs_at_once_with_its_own_arrays(rows: int) -> None:
    async def scene(scene: Scene) -> None:
        x = floats(rows)
        outputs, batch_rows = await scene.ask(x)
        assert same(outputs, x) and batch_rows == 0
        assert scene.signature.runs[0] is x, "the inputs are not copied"
        assert scene.submitted == 0

    signature = play(scene)
    assert signature.threads == [threading.main_thread()]


def test_requests_of_the_same_turn_share_a_run() -> None:
    async def scene(scene: Scene) -> None:
        inputs = [floats(rows, start=10 * rows) for rows in (1, 2, 3)]
        answers = await asyncio.gather(*map(scene.ask, inputs))
        assert all(same(outputs, x) for (outputs, _), x in zip(answers, inputs, strict=True))
        assert [batch_rows for _, batch_rows in answers] == [6, 6, 6]
        assert scene.signature.rows == [6]
        await scene.ask(floats(1))  # a later turn
        assert scene.signature.rows == [6, 1]

    play(scene)


@random_inputs(100)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 3), st.sampled_from([NAMES, NAMES[:1], NAMES[::-1]])), max_size=12
    ),
    st.sampled_from([-1, 0, 10 * ROW, 1 << 20]),
)
def test_each_request_gets_its_own_answer(requests: list[tuple[int, int, Sequence[str]]], quick_bytes: int) -> None:
    async def scene(scene: Scene) -> None:
        inputs = [floats(rows, width, start=at) for at, (rows, width, _) in enumerate(requests)]
        names = [names for _, _, names in requests]
        answers = await asyncio.gather(*map(scene.ask, inputs, names))
        for x, wanted, (outputs, batch_rows) in zip(inputs, names, answers, strict=True):
            assert same(outputs, x, wanted)
            assert batch_rows == 0 or len(x) < batch_rows <= MAX_JOINED_ROWS
        assert sum(scene.signature.rows) == sum(map(len, inputs))

    play(scene, quick_bytes=quick_bytes)


def test_requests_with_other_shapes_or_outputs_run_separately() -> None:
    async def scene(scene: Scene) -> None:
        first, wide, other, last = floats(1), floats(1, width=3), floats(1, start=5), floats(2, start=7)
        answers = await asyncio.gather(scene.ask(first), scene.ask(wide), scene.ask(other, NAMES[:1]), scene.ask(last))
        assert [batch_rows for _, batch_rows in answers] == [3, 0, 0, 3]
        assert same(answers[2][0], other, NAMES[:1])

    assert [x.shape for x in play(scene).runs] == [(3, 2), (1, 3), (1, 2)]


@pytest.mark.parametrize("shapes", [{"x": (0, 2)}, {"x": ()}, {"x": (2, 2), "z": (3,)}, {"x": (2, 2), "z": ()}, {}])
def test_requests_without_common_rows_run_alone(shapes: dict[str, tuple[int, ...]]) -> None:
    async def scene(scene: Scene) -> None:
        arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        runs: list[Arrays] = []

        def run(inputs: Arrays, outputs: Sequence[str]) -> Arrays:
            runs.append(inputs)
            return {}

        scene.signature.run = run  # type: ignore[method-assign]
        both = [scene.gatherer.run(arrays, (), scene.submit) for _ in range(2)]
        assert [batch_rows for _, batch_rows in await asyncio.gather(*both)] == [0, 0]
        assert [list(each) for each in runs] == [list(shapes)] * 2

    play(scene)


def test_an_invalid_request_does_not_affect_the_others() -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.fails = lambda x: bool((x < 0).any())
        good, bad = floats(2), -floats(1)
        answers: Any = await asyncio.gather(scene.ask(good), scene.ask(bad), scene.ask(good), return_exceptions=True)
        assert same(answers[0][0], good) and same(answers[2][0], good)
        assert [answers[0][1], answers[2][1]] == [0, 0]
        assert str(answers[1]) == "1 rows" and type(answers[1]) is ValueError
        assert scene.signature.rows == [5, 2, 1, 2]

    play(scene)


def test_inputs_that_the_engine_must_not_join_run_alone() -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.joins = lambda x: not np.isnan(x).any()
        good, bad = floats(1), floats(1) * np.float32(np.nan)
        answers = await asyncio.gather(scene.ask(good), scene.ask(bad))
        assert same(answers[0][0], good) and np.isnan(answers[1][0]["twice"]).all()
        assert [batch_rows for _, batch_rows in answers] == [0, 0]
        await asyncio.gather(scene.ask(good), scene.ask(good))
        assert scene.signature.rows == [1, 1, 2]

    play(scene)


@pytest.mark.parametrize("total", [np.float32(1), np.ones(1, np.float32), np.ones(5, np.float32)])
def test_outputs_without_the_rows_of_the_batch(total: Any) -> None:
    async def scene(scene: Scene) -> None:
        scene.signature.compute = lambda x, outputs: {"total": total}  # type: ignore[method-assign,misc]
        answers = await asyncio.gather(scene.ask(floats(1), NAMES[:1]), scene.ask(floats(1), NAMES[:1]))
        assert all(outputs["total"] is total and batch_rows == 0 for outputs, batch_rows in answers)

    assert play(scene).rows == [2, 1, 1]


def test_cancelled_requests_do_not_run() -> None:
    async def scene(scene: Scene) -> None:
        first, second, third = (scene.ask(floats(1, start=start)) for start in range(3))
        await asyncio.sleep(0)  # the requests have arrived
        second.cancel()
        answers: Any = await asyncio.gather(first, second, third, return_exceptions=True)
        assert isinstance(answers[1], asyncio.CancelledError)
        assert same(answers[0][0], floats(1, start=0)) and same(answers[2][0], floats(1, start=2))
        all_ = [scene.ask(floats(1)) for _ in range(2)]
        await asyncio.sleep(0)
        for each in all_:
            each.cancel()
        await asyncio.gather(*all_, return_exceptions=True)
        await asyncio.sleep(0)
        assert (await scene.ask(floats(4)))[1] == 0

    assert play(scene).rows == [2, 4]


def test_a_batch_has_at_most_the_maximum_number_of_rows() -> None:
    async def scene(scene: Scene) -> None:
        sizes = [MAX_JOINED_ROWS - 1, 2, 1, MAX_JOINED_ROWS, 3 * MAX_JOINED_ROWS, 1]
        answers = await asyncio.gather(*(scene.ask(floats(size)) for size in sizes))
        assert [batch_rows for _, batch_rows in answers] == [MAX_JOINED_ROWS, 3, MAX_JOINED_ROWS, 0, 0, 3]
        assert scene.signature.rows == [MAX_JOINED_ROWS, 3, MAX_JOINED_ROWS, 3 * MAX_JOINED_ROWS]

    play(scene)


def test_other_tasks_run_between_two_batches() -> None:
    async def scene(scene: Scene) -> None:
        running = [scene.ask(floats(MAX_JOINED_ROWS)) for _ in range(3)]
        runs = []
        while not all(each.done() for each in running):
            runs.append(len(scene.signature.runs))
            await asyncio.sleep(0)
        assert {0, 1, 2} <= set(runs)

    assert play(scene).rows == [MAX_JOINED_ROWS] * 3


def test_a_run_on_the_event_loop_is_at_most_twice_the_quick_size() -> None:
    async def scene(scene: Scene) -> None:
        await asyncio.gather(*(scene.ask(floats(1)) for _ in range(20)))
        assert scene.signature.rows == [8, 8, 4]
        assert scene.submitted == 0

    play(scene, quick_bytes=4 * ROW)
