"""Nested lists of numbers that are read as one list, against reading list by list."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.json import grid, reader
from keras_gallery.serving.wire.json.document import Object

NUMBERS = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False, allow_infinity=False))
ROWS = [[[1.5], [-2e-3], [3]], [[4], [5], [6.25]]] * 8  # short lists, as images of one channel have
SHORT = b"[1],[2],[3],[4],[5],[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16]"


def nested(found: grid.Grid) -> Any:
    """Returns the values of a grid as nested lists."""
    return np.array(found.numbers, object).reshape(found.shape).tolist()


@pytest.mark.parametrize(
    "text",
    [
        b'{"instances":%s}',
        b' { "signature_name" : "a" , "instances" :\t%s\r\n}',
        b'{"inputs": %s, "signature_name": ""}',
        b'{"inputs": {"x": %s}}',
        b'{"instances": %s} and more',
    ],
)
@pytest.mark.parametrize("rows", [orjson.dumps(ROWS), str(ROWS).encode()], ids=["compact", "spaced"])
def test_short_lists_are_read_as_one(text: bytes, rows: bytes) -> None:
    document, found = grid.loads(text % rows)
    assert found is not None and found.shape == [16, 3, 1]
    assert nested(found) == ROWS
    assert document == reader.loads(text % b"[]")


def test_integers_stay_integers() -> None:
    rows = [[1], [2**63], [-3]] * 20
    _, found = grid.loads(b'{"inputs":%s}' % orjson.dumps(rows))
    assert found is not None and found.numbers == [number for [number] in rows]
    assert {type(number) for number in found.numbers} == {int}


@pytest.mark.parametrize(
    "text",
    [
        b'{"inputs":[%s,[]]}',
        b'{"inputs":[%s,[1,2]]}',
        b'{"inputs":[%s,[[1]]]}',
        b'{"inputs":[%s,17]}',
        b'{"inputs":[%s,["17"]]}',
        b'{"inputs":[%s,[true]]}',
        b'{"inputs":[%s,[NaN]]}',
        b'{"inputs":[[%s],[%s,[17]]]}',
        b'{"inputs":[%s],"instances":[%s]}',
        b'{"inputs":{"x":{"y":[%s]}}}',
        b'{"inputs":[%s],"x":[]}',
        b'{"x":[],"inputs":[%s]}',
        b'{"x[":[%s]}',
        b'{"x":[%s],"y]":3}',
        b'{"x[%s]":3}',
        b"[%s]",
        b'{"inputs":[[[[[[[]]]]]]]}',
    ],
)
def test_everything_else_is_read_list_by_list(text: bytes) -> None:
    text = text.replace(b"%s", SHORT)
    document, found = grid.loads(text)
    assert found is None
    assert repr(document) == repr(reader.loads(text))


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
        b'{"inputs":[%s,[1e400]]}',
        b'{"inputs":[%s,[]',
        b'{"inputs":[%s] 1}',
    ],
)
def test_errors_are_those_of_the_reader(text: bytes) -> None:
    text = text.replace(b"%s", SHORT)
    with pytest.raises(InvalidArgument) as expected:
        reader.loads(text)
    with pytest.raises(InvalidArgument) as refused:
        grid.loads(text)
    assert str(refused.value) == str(expected.value)


@settings(max_examples=300, deadline=None, database=None)
@given(st.lists(st.lists(NUMBERS, max_size=2), min_size=16, max_size=30), st.sampled_from(["", " ", "\n"]))
def test_any_short_lists(rows: Any, blank: str) -> None:
    text = orjson.dumps({"inputs": rows}).replace(b",", b"," + blank.encode())
    document, found = grid.loads(text)
    assert isinstance(document, Object)
    if found is None:
        assert document == reader.loads(text)
    else:
        assert nested(found) == rows
