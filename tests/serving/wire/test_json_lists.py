"""Nested lists as arrays: as NumPy makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_gallery.serving.wire.json_lists import to_array

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
