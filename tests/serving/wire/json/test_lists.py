"""Tests of converting nested lists to arrays. The results must equal NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.errors import ResourceExhausted
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.json import lists
from keras_gallery.serving.wire.json.document import Object
from keras_gallery.serving.wire.json.lists import from_value

from ....random_inputs import random_inputs

TYPES = {row.name: row for row in dtypes.DATA_TYPES}
VALUES = st.one_of(st.integers(-(1 << 40), 1 << 40), st.floats(allow_nan=False), st.sampled_from([True, None, "1"]))
LISTS = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3), max_leaves=12)


def leaves(value: Any) -> list[Any]:
    return [leaf for each in value for leaf in leaves(each)] if isinstance(value, list) else [value]


@random_inputs(300)
@given(LISTS)
def test_doubles(value: Any) -> None:
    array = from_value(value, TYPES["double"])
    try:
        expected = np.array(value, np.float64)
    except (TypeError, ValueError):
        assert array is None
    else:
        if any(type(leaf) not in (int, float) for leaf in leaves(value)):
            assert array is None
        else:
            assert array is not None
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float", [1.5, True]),
        ("float", [True, False]),
        ("float", [0.0] * 50 + [False]),
        ("float", [0.5] * 50 + [True]),
        ("float", [1.5, None]),
        ("float", [1.5, "1"]),
        ("float", [[1.5], 2]),
        ("float", [1, [2]]),
        ("float", [[1], [2, 3]]),
        ("float", [[1], [[2]]]),
        ("float", [Object()]),
        ("int32", [1, 2.0]),
        ("int32", [1, True]),
        ("int32", [1 << 31]),
        ("int64", [1 << 63]),
        ("int64", [1e300]),
        ("uint64", [-1]),
        ("uint32", [1 << 32]),
        ("bool", [True, 1]),
        ("string", ["a", 1]),
        ("string", [Object([("b64", "!")])]),
        ("half", [1.0]),
    ],
)
def test_values_that_do_not_fit(dtype: str, value: Any) -> None:
    assert from_value(value, TYPES[dtype]) is None


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("uint64", [(1 << 64) - 1]),
        ("int64", [-(1 << 63)]),
        ("int8", [[1, -2]]),
        ("bool", [[True], [False]]),
        ("string", ["a"]),
        ("double", 2.5),
        ("half", [[], []]),
    ],
)
def test_values_that_fit(dtype: str, value: Any) -> None:
    array = from_value(value, TYPES[dtype])
    assert array is not None and array.dtype == TYPES[dtype].numpy
    expected = [each.encode() for each in value] if dtype == "string" else value
    np.testing.assert_array_equal(array, np.array(expected, TYPES[dtype].numpy))


def test_a_request_has_a_limited_number_of_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_STRINGS", 2)
    string = dtypes.STRING
    assert lists.from_value(["a", "b"], string) is not None
    with pytest.raises(ResourceExhausted, match="A request can have at most 2097152 strings"):
        lists.from_value(["a", "b", "c"], string)
