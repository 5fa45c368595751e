"""Nested lists as arrays: as NumPy makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_gallery.serving.wire.json.lists import Grid, loads, to_array

NUMBERS = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False, allow_infinity=False))
LISTS = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=3), max_leaves=12)


def outcome(function: Any, *arguments: Any) -> Any:
    try:
        array = function(*arguments)
    except (ValueError, TypeError):
        return "refused"
    return array.dtype, array.shape, array.tolist()


@settings(max_examples=300, deadline=None)
@given(LISTS)
def test_floats_are_numpys(values: Any) -> None:
    text = orjson.dumps(values)
    assert outcome(to_array, values, text, np.float64) == outcome(np.array, values, np.float64)


@pytest.mark.parametrize("values", [7, [], [[]], [[], []], [[1, 2], [3, 4]], [[[1]], [[2]]], [1, 2.5], [2**63, 1]])
def test_numbers_have_the_dtype_that_numpy_gives_them(values: Any) -> None:
    assert outcome(to_array, values, orjson.dumps(values)) == outcome(np.array, values)


@pytest.mark.parametrize(
    "values", [[[1], 2], [1, [2]], [[1], [2, 3]], [[1], {"1": 2}], [{"1": 2}], [[1, 2], {"1": 2, "2": 3}]]
)
def test_other_lists_are_refused(values: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        to_array(values, b'{"inputs":' + orjson.dumps(values) + b"}", np.float64)


ROWS = [[[1.5], [-2e-3], [3]], [[4], [5], [6.25]]] * 8  # short lists, as images of one channel have


@pytest.mark.parametrize(
    "text",
    [
        b'{"instances":%s}',
        b' { "signature_name" : "a" , "instances" :\t%s\r\n}',
        b'{"inputs": %s, "signature_name": ""}',
    ],
)
def test_many_short_lists_are_read_as_one(text: bytes) -> None:
    for rows in (orjson.dumps(ROWS), str(ROWS).encode()):
        document, plain = loads(text % rows), orjson.loads(text % rows)
        assert document.keys() == plain.keys()
        for name, value in plain.items():
            if name == "signature_name":
                assert document[name] == value
                continue
            assert isinstance(document[name], Grid) and document[name].shape == (16, 3, 1)
            for dtype in (np.float64, None):
                assert outcome(to_array, document[name], text, dtype) == outcome(np.array, value, dtype)


def test_wholes_stay_whole_and_large_ones_exact() -> None:
    rows = [[1], [2**63], [-3]] * 20
    grid = loads(b'{"inputs":%s}' % orjson.dumps(rows))["inputs"]
    assert isinstance(grid, Grid) and grid.numbers == [number for [number] in rows]


SHORT = b"[1],[2],[3],[4],[5],[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16]"


@pytest.mark.parametrize(
    "text",
    [
        b'{"inputs":[%s,[]]}',
        b'{"inputs":[%s,[1,2]]}',
        b'{"inputs":[%s,[[1]]]}',
        b'{"inputs":[%s,17]}',
        b'{"inputs":[%s,["17"]]}',
        b'{"inputs":[%s,[true]]}',
        b'{"inputs":[[%s],[%s,[17]]]}',
        b'{"inputs":[%s],"instances":[%s]}',
        b'{"inputs":{"x":[%s]}}',
        b'{"inputs":[%s],"x":[]}',
        b'{"x":[],"inputs":[%s]}',
        b'{"x[":[%s]}',
        b'{"x":[%s],"y]":3}',
        b"[%s]",
    ],
)
def test_everything_else_is_read_as_orjson_does(text: bytes) -> None:
    text = text.replace(b"%s", SHORT)
    read = loads(text)
    assert not isinstance(read, Grid)
    values = read.values() if isinstance(read, dict) else ()
    if any(isinstance(value, Grid) for value in values):
        read = {
            name: np.array(v.numbers).reshape(v.shape).tolist() if isinstance(v, Grid) else v
            for name, v in read.items()
        }
    assert read == orjson.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"inputs":[%s,[,]]}',
        b'{"inputs":[%s [17]]}',
        b'{"inputs":[%s,[1 7]]}',
        b'{"inputs":[%s,[17]1]}',
        b'{"inputs":[%s,1[7]]}',
        b'{"inputs":[%s,[1-7]]}',
        b'{"inputs":[%s]]}',
        b'{"inputs":[[%s]}',
        b'{"inputs":[%s,[NaN]]}',
        b'{"inputs":[%s,[]',
        b'{"inputs":[%s]} 1',
    ],
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(text.replace(b"%s", SHORT))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(NUMBERS, max_size=2), min_size=16, max_size=30), st.sampled_from(["", " ", "\n"]))
def test_any_short_lists_are_read_as_orjson_does(rows: Any, blank: str) -> None:
    text = orjson.dumps({"inputs": rows}).replace(b",", b"," + blank.encode())
    value = loads(text)["inputs"]
    read = np.array(value.numbers).reshape(value.shape).tolist() if isinstance(value, Grid) else value
    assert read == rows
