"""The text of floats: against C's printf, as Python has it, value by value."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from keras_gallery.serving.wire.json import floats as json_floats

several = settings(max_examples=200, deadline=None, database=None)
Array = np.ndarray[Any, Any]
SMALLEST = float(np.finfo(np.float32).tiny)


def text_of(value: Any) -> str:
    """The rule: six digits if they read back, else 9 (17); ".0" after whole numbers without an exponent."""
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    text = f"{value:.6g}"
    if type(value)(text) != value:
        text = f"{value:.9g}" if isinstance(value, np.float32) else f"{value:.17g}"
    return text if "." in text or "e" in text else text + ".0"


def check(array: Array) -> None:
    found = json_floats.dumps(array).decode()[1:-1].split(",")
    with np.errstate(over="ignore"):
        assert found == [text_of(value) for value in array]


RECORDED = {
    "float": (np.float32, {
        0.1: "0.1", 1: "1.0", 100000: "100000.0", 1000000: "1e+06", 10000000: "1e+07", 123456.7: "123456.703",
        1234567.8: "1234567.75", 0.0001: "0.0001", 0.00001: "1e-05", 0.3333333333: "0.333333343",
        16777217: "16777216.0", 3.4028235e38: "3.40282347e+38", -0.0: "-0.0", 1e21: "1e+21", 2.5e-8: "2.5e-08",
        9000000: "9e+06",
    }),
    "double": (np.float64, {
        0.1: "0.1", 2: "2.0", 30000000: "3e+07", 1e-7: "1e-07", 1e22: "1e+22", 123456: "123456.0",
        1234567: "1234567.0", 0.30000000000000004: "0.30000000000000004",
    }),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "texts"), RECORDED.values(), ids=RECORDED)
def test_recorded_answers(kind: Any, texts: dict[float, str]) -> None:
    assert json_floats.dumps(np.array(list(texts), kind)).decode() == "[" + ",".join(texts.values()) + "]"


@several
@given(arrays_of.arrays(np.float32, st.integers(1, 60), elements=st.floats(width=32, allow_subnormal=False)))
def test_floats(array: Array) -> None:
    check(array)


@several
@given(arrays_of.arrays(np.float64, st.integers(1, 30), elements=st.floats(allow_subnormal=False)))
def test_doubles(array: Array) -> None:
    check(array)


@several
@given(st.lists(st.tuples(st.integers(-999999, 999999), st.integers(-30, 30)), min_size=1, max_size=40))
def test_decimals(parts: list[tuple[int, int]]) -> None:
    decimals = [float(f"{digits}e{power}") for digits, power in parts]
    check(np.array(decimals, np.float32))
    check(np.array(decimals))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_many_of_all_sizes(kind: Any) -> None:
    source = np.random.default_rng(3)
    bits = source.integers(0, 1 << 32, 20_000, dtype=np.uint32).view(np.float32)
    with np.errstate(invalid="ignore"):
        check(bits[(np.abs(bits) >= SMALLEST) | ~np.isfinite(bits)].astype(kind))
    check((10 ** source.uniform(-6, 10, 20_000)).astype(kind))
    check((source.integers(-(1 << 24), 1 << 24, 20_000) / 2.0 ** source.integers(0, 30, 20_000)).astype(kind))


@pytest.mark.parametrize("few", [False, True])
def test_a_few_unusual_among_many(few: bool) -> None:
    array = np.random.default_rng(4).uniform(0.1, 1, 20_000).astype(np.float32)
    array[:: 1000 if few else 3] = 1e-9
    array[10], array[11], array[12] = math.nan, math.inf, 1e30
    check(array)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3, 1), (0,), (2, 0), (2, 0, 3)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_shapes(shape: tuple[int, ...], kind: Any) -> None:
    array = np.arange(math.prod(shape), dtype=kind).reshape(shape) / 4
    assert np.array_equal(np.array(json.loads(json_floats.dumps(array)), kind).reshape(shape), array)
    transposed = array.T
    assert np.array_equal(
        np.array(json.loads(json_floats.dumps(transposed)), kind).reshape(transposed.shape), transposed
    )
