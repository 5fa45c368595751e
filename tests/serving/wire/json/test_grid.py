"""Compares `grid.loads`, which reads nested lists of numbers as one list, with `reader.loads`."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.json import grid, reader
from keras_gallery.serving.wire.json.document import Object

from ....random_inputs import random_inputs

NUMBERS = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False, allow_infinity=False))
ROWS = [[[1.5], [-2e-3], [3]], [[4], [5], [6.25]]] * 8  # the innermost lists are short, as in images with one channel
SHORT = b"[1],[2],[3],[4],[5],[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16]"


def nested(result: grid.Grid) -> Any:
    """Returns the values of a grid as nested lists."""
    return np.array(result.numbers, object).reshape(result.shape).tolist()


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
def test_short_lists_become_a_grid(text: bytes, rows: bytes) -> None:
    document, result = grid.loads(text % rows)
    assert result is not None and result.shape == [16, 3, 1]
    assert nested(result) == ROWS
    assert document == reader.loads(text % b"[]")


def test_integers_stay_integers() -> None:
    rows = [[1], [2**63], [-3]] * 20
    _, result = grid.loads(b'{"inputs":%s}' % orjson.dumps(rows))
    assert result is not None and result.numbers == [number for [number] in rows]
    assert {type(number) for number in result.numbers} == {int}


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
def test_documents_without_a_grid(text: bytes) -> None:
    text = text.replace(b"%s", SHORT)
    document, result = grid.loads(text)
    assert result is None
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
        b'{"inputs":[1[],2[],3[],4[],5[],6[],7[]]}',
        b'{"inputs":[[]1, [] 2,[]\t3,[]4,[]5,[]6,[]7]}',
    ],
)
def test_error_messages_equal_those_of_the_reader(text: bytes) -> None:
    text = text.replace(b"%s", SHORT)
    with pytest.raises(InvalidArgument) as expected:
        reader.loads(text)
    with pytest.raises(InvalidArgument) as caught:
        grid.loads(text)
    assert str(caught.value) == str(expected.value)


@random_inputs(300)
@given(st.lists(st.lists(NUMBERS, max_size=2), min_size=16, max_size=30), st.sampled_from(["", " ", "\n"]))
def test_random_short_lists(rows: Any, blank: str) -> None:
    text = orjson.dumps({"inputs": rows}).replace(b",", b"," + blank.encode())
    document, result = grid.loads(text)
    assert isinstance(document, Object)
    if result is None:
        assert document == reader.loads(text)
    else:
        assert nested(result) == rows
