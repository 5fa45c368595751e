"""Tests that long JSON documents are read, written and freed in steps, with the same result as short ones."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.errors import ServingError
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.json import answers, examples, grid, lists, reader, steps
from keras_gallery.serving.wire.json.document import Object

BY_NAME = {row.name: row for row in dtypes.DATA_TYPES}
FLOAT, STRING, BOOL = BY_NAME["float"], BY_NAME["string"], BY_NAME["bool"]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (reader, "LONG", 4), (reader, "_PIECE", 5), (examples, "LONG", 4), (steps, "STEP", 2),
        (grid, "_PIECE", 5), (answers, "_STEP", 3),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except ServingError as error:
        return str(error)


# === The same results ===

DOCUMENTS = [
    b'{"instances": [[1, 2.5], [-3, 4e2]]}', b'[1,2,3,4,5,"x",null,true]', '["aéü€😀b", {"é": "ü"}]'.encode(),
    b'{"a": 1, "a": [2, {"b": []}]}', b"[NaN, -Infinity, 18446744073709551615]", b"[1, 2, 3] text",
    b'["ab\xff\xfecd", "\xe2\x82", {"\xff": 1}]', b'["\\ud83d\\ude00", "\xff"]', b"[1, 2, 3", b'["abcd\xff", 1, nul]',
    b'{"abc": \xff}', b"[1, 2,]", b'["\\udc00 "]', b"     ", b"[" * 3000, b"\xef\xbb\xbf[1, 2]",
]  # fmt: skip


@pytest.mark.parametrize("data", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_documents(data: bytes, request: pytest.FixtureRequest) -> None:
    wanted, pair = outcome(reader.loads, data), outcome(grid.loads, data)
    request.getfixturevalue("small_steps")
    assert repr(outcome(reader.loads, data)) == repr(wanted)
    assert repr(outcome(grid.loads, data)) == repr(pair)


GRIDS = ["[[1,2],[3,4.5],[-6e2,7],[8,9],[1,2],[3,4],[5,6]]", "[[[1]],[[2]],[[3]],[[4]],[[5]],[[6]]]",
         "[[1],[2],[3],[4],[5],[6,]]", "[[1],[2],[3],[4],[5],[,6]]", "[[1],[2],[3],[4],[5],[6,7]]"]  # fmt: skip


@pytest.mark.parametrize("text", GRIDS)
def test_grids(text: str, request: pytest.FixtureRequest) -> None:
    data = ('{"instances": ' + text + "}").encode()
    wanted = outcome(grid.loads, data)
    request.getfixturevalue("small_steps")
    assert repr(outcome(grid.loads, data)) == repr(wanted)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [([[1, 2.5, 3]] * 5, FLOAT), ([1, 2, 3, True], FLOAT), ([[1], [2, 3]], FLOAT), ([True, False] * 4, BOOL),
     ([True, 1], BOOL), ([[[]]] * 5, FLOAT), (["a", "b"] * 4, STRING), ([[1, 2], [3, "x"], [4, 5]], FLOAT)],
)  # fmt: skip
def test_lists(value: Any, dtype: dtypes.DataType, request: pytest.FixtureRequest) -> None:
    wanted = lists.from_value(value, dtype)
    request.getfixturevalue("small_steps")
    array = lists.from_value(value, dtype)
    if wanted is None:
        assert array is None
    else:
        assert array is not None and array.dtype == wanted.dtype and array.tolist() == wanted.tolist()
        assert array.shape == wanted.shape


@pytest.mark.parametrize(
    "array",
    [np.arange(24.0).reshape(4, 3, 2), np.full((1, 9), np.nan), np.zeros((2, 0)), np.array([b"a", b"\xff"] * 3, object),
     np.float32(3), np.array([1, np.inf, 2, 3, np.nan], np.float32), np.arange(9).reshape(9, 1) > 3],
)  # fmt: skip
def test_answers(array: Any, request: pytest.FixtureRequest) -> None:
    outputs = {"y": np.asarray(array)}
    two = {"y": outputs["y"], "z": outputs["y"]}
    wanted = [outcome(write, each) for write in (answers.outputs, answers.predictions) for each in (outputs, two)]
    request.getfixturevalue("small_steps")
    assert [
        outcome(write, each) for write in (answers.outputs, answers.predictions) for each in (outputs, two)
    ] == wanted


def test_examples(request: pytest.FixtureRequest) -> None:
    data = b'{"examples": [{"a": [1.5, 2.5, 3.5], "b": ["x", "y"], "c": [1, 2, 3]}, {"a": 0.5}]}'
    wanted = examples.parse(data)
    request.getfixturevalue("small_steps")
    assert examples.parse(data) == wanted


# === Other threads ===

COUNT = 400_000


@pytest.fixture
def turns() -> Iterator[Callable[[Callable[[], Any]], int]]:
    """A function that returns how often another thread ran during a call."""
    interval, ended, count = sys.getswitchinterval(), threading.Event(), 0

    def run() -> None:
        nonlocal count
        while not ended.wait(1e-5):
            count += 1

    def during(function: Callable[[], Any]) -> int:
        before = count
        function()
        return count - before

    thread = threading.Thread(target=run)
    sys.setswitchinterval(1e-5)
    thread.start()
    yield during
    ended.set()
    thread.join()
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("element", [b"0.5", b'"ab"'])
def test_other_threads_run_while_a_long_document_is_read(turns: Callable[..., int], element: bytes) -> None:
    data = b'{"inputs": [' + b",".join([element] * COUNT) + b"]}"
    with steps.uncollected():
        assert turns(lambda: grid.loads(data)) >= 5


class Recorder:
    """A module whose functions record the size of their last argument."""

    def __init__(self, module: Any, **functions: Callable[..., int]) -> None:
        self._module, self._functions, self.sizes = module, functions, set[int]()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._module, name)
        if name not in self._functions:
            return function

        def recorded(*arguments: Any, **options: Any) -> Any:
            self.sizes.add(self._functions[name](*arguments))
            return function(*arguments, **options)

        return recorded


def test_each_call_has_few_values(small_steps: None, monkeypatch: pytest.MonkeyPatch) -> None:
    packing = Recorder(lists.struct, pack=lambda _, *values: len(values))
    flattening = Recorder(steps.chain, from_iterable=lambda values: sum(map(len, values)))
    reading = Recorder(grid.orjson, loads=len)
    writing = Recorder(answers.orjson, dumps=np.size)
    monkeypatch.setattr(lists, "struct", packing)
    monkeypatch.setattr(steps, "chain", flattening)
    monkeypatch.setattr(grid, "orjson", reading)
    monkeypatch.setattr(answers, "orjson", writing)
    lists.from_value([[1, 2]] * 9, FLOAT)
    grid.loads(b'{"inputs": [' + b",".join([b"[1]"] * 30) + b"]}")
    for write in (answers.outputs, answers.predictions):
        write({"y": np.zeros((9, 2)), "z": np.zeros((9, 2))})
        write({"y": np.array([b"a"] * 9, object)})
    sizes = packing.sizes, flattening.sizes, reading.sizes, writing.sizes
    for found, limit in zip(sizes, (steps.STEP, steps.STEP, 12, 2 * answers._STEP), strict=True):
        assert found and max(found) <= limit


# === Memory ===


def test_a_discarded_value_is_empty(small_steps: None) -> None:
    inner: list[Any] = [[1], [2, [3] * 40]]
    document = Object([("a", inner), ("b", Object([("c", [1, 2, 3])])), ("d", [[], Object()])])
    within = [inner, inner[1], inner[1][1], document.members[1][1].members[0][1]]
    steps.discard(document)
    assert not document.members and not any(within)
    steps.discard(1.5)


def test_the_garbage_collector_waits() -> None:
    with pytest.raises(KeyError):
        with steps.uncollected():
            assert not gc.isenabled()
            raise KeyError
    assert gc.isenabled()
